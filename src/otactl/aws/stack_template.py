"""The template of the monitoring stack, with the Lambda handlers inserted.

CloudFormation takes the source of a Python function inline, as a file ``index.py``, up to 4 MB
zipped (AWS::Lambda::Function Code, ZipFile), and a template of up to 51,200 bytes in the call
itself (CreateChangeSet TemplateBody). Both handlers fit, so no bucket is needed for them, and any
CloudFormation tool can deploy the printed template.
"""

from __future__ import annotations

import re
from importlib.resources import files
from textwrap import indent

_TEMPLATE = "aws/monitor-tool-template.yaml"
_LOCATION = re.compile(r'^(?P<lead> *ZipFile:) "\{\{(?P<file>\w+\.py)\}\}"$', re.MULTILINE)


def monitor_template() -> str:
    """The template for CloudFormation, YAML."""
    package = files("otactl")

    def source_at(location: re.Match[str]) -> str:
        source = (package / "lambdas" / location["file"]).read_text(encoding="utf-8")
        depth = " " * (len(location["lead"]) - len("ZipFile:") + 2)
        return f"{location['lead']} |\n{indent(source.rstrip(), depth)}"

    return _LOCATION.sub(source_at, (package / _TEMPLATE).read_text(encoding="utf-8"))
