"""An apply that only evaluates: names in place of what AWS would compute.

A plan shows a policy that names a new queue as "known after apply", so no test could read it. With
LAB_AWS_PREVIEW=1 and no local AWS, creating an object makes no call: each text that AWS would compute becomes
a name such as `aws_sqs_queue(fsxn-ingestion).arn`, and Terraform evaluates everything that refers to it. The
resulting state describes nothing that exists; keep it in a build folder.
"""

from __future__ import annotations

import json
from typing import Any

from lab.aws_provider.schema import Block
from lab.aws_provider.values import UNKNOWN, Object, Value

LABELS = ("name", "function_name", "bucket", "alarm_name", "family", "role", "rule")
BLANK: dict[str, Value] = {"number": 0, "bool": False}


def finished(type_name: str, block: Block, planned: Object) -> Object:
    """The planned object with every unknown value replaced: texts by names, the rest by blanks."""
    label = next((planned[name] for name in LABELS if isinstance(planned.get(name), str)), "")
    result = _block(f"{type_name}({label})", block, planned)
    if type_name == "aws_cloudformation_stack" and isinstance(planned.get("template_body"), str):
        # A stack has the outputs that its template names: whoever refers to one would find no such key.
        outputs = json.loads(planned["template_body"]).get("Outputs", {})
        result["outputs"] = {name: f"{type_name}({label}).outputs.{name}" for name in outputs}
    return result


def _block(subject: str, block: Block, planned: Object) -> Object:
    result: Object = {}
    for name, value in planned.items():
        inner = block.blocks.get(name)
        if inner is None:
            result[name] = _value(f"{subject}.{name}", block.attributes[name].type, value)
        elif isinstance(value, list):
            result[name] = [_block(f"{subject}.{name}", inner, item) for item in value]
        elif isinstance(value, dict):
            result[name] = _block(f"{subject}.{name}", inner, value)
        else:
            result[name] = ([] if inner.nesting != "single" else None) if value is UNKNOWN else value
    return result


def _value(subject: str, kind: Any, value: Value) -> Value:
    if value is not UNKNOWN:
        return value
    if kind == "string":
        return subject
    if isinstance(kind, str):
        return BLANK[kind]
    return {} if kind[0] in ("map", "object") else []
