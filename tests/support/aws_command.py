"""Read an `aws` command as the AWS CLI reads it, from botocore's model of the service, and run it by boto3.

The CLI that has `logs tail` is in no package index. Operations, options and their types are the model's, so a
wrong name is refused here. `logs tail` and `s3 cp ... -` are the CLI's own and done by hand.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

# Of the CLI, not of the service.
GLOBAL_OPTIONS = ("query", "max-items", "output")
TAIL_OPTIONS = ("since", "filter-pattern", "follow", "format")
LOCAL_PAGE = 10_000  # events that the local AWS answers at most
SINCE_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class AwsCommandError(ValueError):
    """The command is none that the CLI would take."""


@dataclass(frozen=True, slots=True)
class AwsCommand:
    """Service, operation and arguments, as boto3 takes them; `options` are the CLI's own."""

    service: str
    operation: str
    arguments: Mapping[str, Any]
    options: Mapping[str, str]


@cache
def _session() -> Any:
    return botocore.session.get_session()


def parse(command: str, *, is_mention: bool = False) -> AwsCommand:
    """Read a command. Raises AwsCommandError naming what the CLI would not take.

    `is_mention`: required options may be missing.
    """
    words = shlex.split(command)
    if len(words) < 3 or words[0] != "aws":
        raise AwsCommandError(f"{command!r} is no aws command with a service and an operation")
    _, service, operation, *rest = words
    if (service, operation) == ("s3", "cp"):
        return AwsCommand(service, operation, {"source": rest[0], "target": rest[1]}, {})
    if (service, operation) == ("logs", "tail"):
        return AwsCommand(service, operation, {"group": rest[0]}, _pairs(rest[1:], TAIL_OPTIONS))
    service = "s3" if service == "s3api" else service  # the CLI's name for the same service
    try:
        model = _session().get_service_model(service)
    except UnknownServiceError as exc:
        raise AwsCommandError(f"{command!r}: there is no service {service!r}") from exc
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        raise AwsCommandError(f"{command!r}: {service} has no operation {operation!r}")
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): (name, of) for name, of in (shape.members if shape else {}).items()}
    arguments, options = {}, {}
    for option, values in _groups(rest):
        if option in GLOBAL_OPTIONS:
            options[option] = values[0]
        elif option in members:
            name, of = members[option]
            arguments[name] = _value(of.type_name, values)
        else:
            raise AwsCommandError(f"{command!r}: {service} {operation} has no option --{option}")
    missing = set(shape.required_members if shape else ()) - set(arguments)
    if missing and not is_mention:
        raise AwsCommandError(f"{command!r} lacks {sorted(xform_name(name, '-') for name in missing)}")
    return AwsCommand(service, operation, arguments, options)


def run(command: str, client: Callable[[str], Any]) -> str:
    """Run a command with the clients given and return what the CLI would print, as JSON or as text."""
    parsed = parse(command)
    if parsed.operation == "cp":
        place = urlsplit(parsed.arguments["source"])
        body = client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"]
        return str(body.read().decode())
    if parsed.operation == "tail":
        return _tail(parsed, client("logs"))
    if parsed.operation == "filter-log-events":
        arguments = dict(parsed.arguments)
        pattern = arguments.pop("filterPattern", "")
        events = [e for e in log_events(client("logs"), **arguments) if fits(pattern, e["message"])]
        return json.dumps({"events": events}, indent=1)
    answer = getattr(client(parsed.service), xform_name(parsed.operation.replace("-", "_")))(
        **parsed.arguments
    )
    answer.pop("ResponseMetadata", None)
    shown = jmespath.search(parsed.options["query"], answer) if "query" in parsed.options else answer
    return json.dumps(shown, indent=1, default=str)


def _tail(parsed: AwsCommand, logs: Any) -> str:
    """Print the newest lines of a group that fit."""
    since = parsed.options.get("since", "10m")
    start = datetime.now(UTC) - timedelta(**{SINCE_UNITS[since[-1]]: int(since[:-1])})
    pattern = parsed.options.get("filter-pattern", "")
    since_ms = int(start.timestamp() * 1000)
    events = log_events(logs, logGroupName=parsed.arguments["group"], startTime=since_ms)
    lines = [event["message"] for event in events]
    return "\n".join(line for line in lines if fits(pattern, line))


def log_events(logs: Any, **wanted: Any) -> list[Mapping[str, Any]]:
    """Every event of a group, the newest too; equal lines of one stream and millisecond are one.

    The local AWS answers the oldest 10,000 and no token for the rest: asked again from the newest of them on.
    """
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    while True:
        events = logs.filter_log_events(**wanted)["events"]
        for event in events:
            found[event["logStreamName"], event["timestamp"], event["message"]] = event
        newest = max((event["timestamp"] for event in events), default=0)
        if len(events) < LOCAL_PAGE or newest <= wanted.get("startTime", -1):
            return list(found.values())
        wanted["startTime"] = newest


def fits(pattern: str, line: str) -> bool:
    """Say whether a line has all terms of a filter pattern, or any of those with a question mark.

    The local AWS knows neither phrases nor question marks. Source: CloudWatch Logs user guide, "Filter
    pattern syntax", unstructured lines.
    """
    terms = shlex.split(pattern)
    wanted = [term for term in terms if not term.startswith("?")]
    some = [term[1:] for term in terms if term.startswith("?")]
    return all(term in line for term in wanted) and (not some or any(term in line for term in some))


def _pairs(words: list[str], allowed: tuple[str, ...]) -> dict[str, str]:
    found = {option: values[0] if values else "" for option, values in _groups(words)}
    if unknown := sorted(set(found) - set(allowed)):
        raise AwsCommandError(f"options {unknown}; this command takes {sorted(allowed)}")
    return found


def _groups(words: list[str]) -> list[tuple[str, list[str]]]:
    """Options with the values that follow each."""
    groups: list[tuple[str, list[str]]] = []
    for word in words:
        if word.startswith("--"):
            option, _, value = word[2:].partition("=")
            groups.append((option, [value] if value else []))
        elif groups:
            groups[-1][1].append(word)
        else:
            raise AwsCommandError(f"{word!r} belongs to no option")
    return groups


def _value(kind: str, values: list[str]) -> Any:
    """Give an option's value the type that the service's model has for it."""
    if kind == "boolean":
        return True
    if kind == "list":
        return values
    return int(values[0]) if kind in ("integer", "long") else values[0]
