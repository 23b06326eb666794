"""What one resource type declares: facts for the plan, functions for the calls.

Functions get plain values (null instead of unknown) and the `Cloud`. They return attributes by name; the
engine puts them into the state, compares them, and reports what is missing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lab.aws_provider.values import Object

if TYPE_CHECKING:
    from lab.aws_provider.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Record:
    """One resource type.

    create: makes the object; returns at least `id`. What needs further calls belongs in `finish`, so that an
        object that was made but not finished is known to Terraform (as tainted) and does not leak.
    finish: further calls after create; gets the names of everything that is set.
    update: changes in place; gets the names of what changed. None: every change needs a new object.
    read: what the local AWS reports; raises NotFoundError when the object is gone. `tags` means all tags.
    delete: removes it; NotFoundError counts as done.
    check: looks at the configuration with unknown values; raises ProviderError.
    plan: may fill in or mark values of the plan (the second argument is the prior state or None).
    """

    type: str
    create: Callable[[Cloud, Object], Object]
    read: Callable[[Cloud, Object], Object]
    delete: Callable[[Cloud, Object], None]
    finish: Callable[[Cloud, Object, set[str]], None] | None = None
    update: Callable[[Cloud, Object, set[str]], None] | None = None
    check: Callable[[Object], None] | None = None
    plan: Callable[[Object, Object | None], None] | None = None
    create_only: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    blank: Mapping[str, Any] = field(
        default_factory=dict
    )  # computed values that the local AWS does not report
    volatile: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # computed -> arguments that move it
    documents: Mapping[str, str] = field(default_factory=dict)  # argument -> "json" or "policy"
    patterns: Mapping[str, str] = field(
        default_factory=dict
    )  # argument -> regular expression of the whole value
    filled: frozenset[str] = frozenset()  # AWS fills these in when they are not set: null stays null
    name_of: str = "name"  # what errors call the object
    import_id: str = ""  # argument that the import id is written to, besides id


# Start of a type's name (without `aws_`) -> module of `services/`; the longest that fits counts.
SERVICES = {
    "cloudwatch_": "cloudwatch",
    "cloudwatch_event_": "events",
    "cloudwatch_log_": "logs",
    "dynamodb_": "dynamodb",
    "ecs_": "ecs",
    "iam_": "iam",
    "kms_": "kms",
    "lambda_": "lambda_",
    "s3_": "s3",
    "s3_bucket_": "s3_settings",
    "secretsmanager_": "secretsmanager",
    "security_group": "ec2",
    "sfn_": "sfn",
    "sns_": "sns",
    "sqs_": "sqs",
    "ssm_": "ssm",
    "subnet": "ec2",
    "vpc": "ec2",
}


@cache
def record_of(type_name: str) -> Record | None:
    """The record of a full type name; None for a plan-only type."""
    short = type_name.removeprefix("aws_")
    fitting = [start for start in SERVICES if short.startswith(start)]
    if not fitting:
        return None
    module = importlib.import_module(f"lab.aws_provider.services.{SERVICES[max(fitting, key=len)]}")
    return next((record for record in module.RECORDS if record.type == type_name), None)
