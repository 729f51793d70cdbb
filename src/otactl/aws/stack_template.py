"""The template of the monitoring stack, with the Lambda handlers put in.

CloudFormation takes the source of a Python function inline, as a file ``index.py``, up to 4 MB
zipped (AWS::Lambda::Function Code, ZipFile), and a template of up to 51,200 bytes in the call
itself (CreateChangeSet TemplateBody). Both handlers fit, so nobody needs a bucket for them, and
the printed template can be deployed by any CloudFormation tool.
"""

from __future__ import annotations

import re
from importlib.resources import files
from textwrap import indent

_TEMPLATE = "aws/monitor-tool-template.yaml"
_LOCATION = re.compile(r'^(?P<lead> *ZipFile:) "\{\{(?P<file>\w+\.py)\}\}"$', re.MULTILINE)


def monitor_template() -> str:
    """The template as CloudFormation takes it, YAML."""
    package = files("otactl")

    def put_in(location: re.Match[str]) -> str:
        source = (package / "lambdas" / location["file"]).read_text(encoding="utf-8")
        depth = " " * (len(location["lead"]) - len("ZipFile:") + 2)
        return f"{location['lead']} |\n{indent(source.rstrip(), depth)}"

    return _LOCATION.sub(put_in, (package / _TEMPLATE).read_text(encoding="utf-8"))
