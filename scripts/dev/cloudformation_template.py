"""Reads a CloudFormation template in YAML; short forms become long ones (``{"Ref": "X"}``)."""

from __future__ import annotations

from typing import Any

import yaml


class CloudFormationLoader(yaml.SafeLoader):
    """A safe loader that knows ``!Ref``, ``!GetAtt``, ``!Sub`` and the other short forms."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    else:
        raise yaml.YAMLError(f"!{suffix} of a mapping is not used in our templates")
    if suffix == "GetAtt":
        return {"Fn::GetAtt": value.split(".")}
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


CloudFormationLoader.add_multi_constructor("!", _long_form)


def read_template(text: str) -> dict[str, Any]:
    """The template as data."""
    template: dict[str, Any] = yaml.load(text, Loader=CloudFormationLoader)  # noqa: S506  # safe
    return template
