"""Causes on AWS's side: service, queues, functions, schedules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fsxn_runtime.diagnose.cause import Cause, Scene, Weight, cause
from fsxn_runtime.diagnose.causes_ontap import ERRORS, answers

AGE_SECONDS: Final = 300.0  # as its alarm has it (modules/event-router)
_ALARMS_SHOWN: Final = 5
_NAMES_SHOWN: Final = 4
_PARTS: Final = ("alarms", "errors", "functions", "queues", "schedules", "server", "sources")
# Codes of `edge.aws_errors` and of `collecting`: of these, none was AWS's answer to what was asked.
_SILENCE: Final = frozenset({"aws_identity", "aws_unreachable", "deadline"})


def aws(scene: Scene) -> Iterator[Cause]:
    asked = [name for name in _PARTS if name in scene.facts]
    silent = {name: scene.facts[name].why_not for name in asked if scene.facts[name].code in _SILENCE}
    if asked and len(silent) == len(asked):
        yield cause(
            "aws_silent",
            Weight.STOPS,
            "AWS cannot be asked from here, so nothing is known of the deployment",
            list(silent.values()),
            "",
            "aws sts get-caller-identity",
        )
        return
    for name, why in silent.items():
        yield cause(
            f"aws_part_silent:{name}",
            Weight.HURTS,
            f"An AWS service does not answer from here ({name}); its users may get no answer either",
            [why],
            "",
            "see https://health.aws.amazon.com/health/status, and the way from here to the service",
        )


def server(scene: Scene) -> Iterator[Cause]:
    server = scene.known("server")
    if server is None:
        return
    name = f"{scene.prefix}-fpolicy"
    if not server["exists"]:
        says = f"There is no ECS service {name}: the prefix is another one, or it was removed"
        yield cause(
            "server_missing",
            Weight.STOPS,
            says,
            [f"cluster {name} has no active service {name}"],
            "fpolicy-connections.md",
            f"aws ecs describe-services --cluster {name} --services {name}",
        )
        return
    counts = f"desired {server['desired']}, running {server['running']}, pending {server['pending']}"
    events = [f"{each['at']} {each['message']}" for each in server["events"]]
    if server["desired"] == 0:
        yield cause(
            "server_scaled_to_zero",
            Weight.STOPS,
            f"The FPolicy server is scaled to 0: nobody takes notifications (service {name})",
            [counts, *events],
            "fpolicy-connections.md",
            f"aws ecs update-service --cluster {name} --service {name} --desired-count <tasks>",
        )
    elif server["running"] == 0:
        yield cause(
            "server_not_running",
            Weight.STOPS,
            f"No task of the FPolicy server runs, though {server['desired']} shall",
            [counts, *_ends(server), *events],
            "fpolicy-connections.md",
            f"aws logs tail /ecs/{name} --since 30m",
        )
    elif server["running"] < server["desired"]:
        yield cause(
            "server_short",
            Weight.HURTS,
            f"{server['running']} of {server['desired']} tasks of the FPolicy server run",
            [counts, *_ends(server), *events],
            "fpolicy-connections.md",
            f"aws logs tail /ecs/{name} --since 30m",
        )
    elif any(each.get("health") == "UNHEALTHY" for each in server["tasks"]):
        yield cause(
            "server_unhealthy",
            Weight.HURTS,
            "A task of the FPolicy server is unhealthy",
            [f"{each['task']} {each['health']}" for each in server["tasks"]],
            "fpolicy-connections.md",
            f"aws logs tail /ecs/{name} --since 30m",
        )


def _ends(server: Mapping[str, Any]) -> list[str]:
    return [
        f"task {each['task']} ended: {each['reason']} (exit "
        + ", ".join(f"{part['code']} {part['reason']}".strip() for part in each["exits"])
        + ")"
        for each in server["stopped"]
    ]


def schedules(scene: Scene) -> Iterator[Cause]:
    for each in scene.known("schedules") or []:
        if each["state"] == "ENABLED":
            continue
        keeps = each["name"] == f"{scene.prefix}-reconcile-every-minute"
        yield cause(
            f"schedule_off:{each['name']}",
            Weight.HURTS,
            f"The schedule {each['name']} is switched off"
            + (": nobody keeps ONTAP pointed at the servers" if keeps else ""),
            [f"{each['name']} {each['expression']} is {each['state']}"],
            "fpolicy-reconcile-missing.md" if keeps else "",
            f"aws events enable-rule --name {each['name']}",
        )


def queues(scene: Scene) -> Iterator[Cause]:
    queues = scene.known("queues")
    if queues is None:
        return
    if f"{scene.prefix}-ingestion" not in {each["name"] for each in queues}:
        shown = ", ".join(each["name"] for each in queues[:_NAMES_SHOWN]) or "none"
        yield cause(
            "ingestion_missing",
            Weight.STOPS,
            f"There is no queue {scene.prefix}-ingestion: the server has nowhere to deliver",
            [f"queues of this prefix: {shown}"],
            "ingestion-age.md",
            "terraform plan, and read why the queue is to be made",
        )
    names = {each["name"] for each in queues}
    for each in queues:
        if each["is_dead_letter"] and each["visible"]:
            page, command = _dead_letters(each, names, scene.prefix)
            yield cause(
                f"dead_letters:{each['name']}",
                Weight.HURTS,
                f"{each['visible']} messages were given up and wait in {each['name']}",
                [f"{each['name']}: {each['visible']} visible"],
                page,
                command,
            )
    for each in queues:
        if each["name"] == f"{scene.prefix}-quarantine" and each["visible"]:
            yield cause(
                "quarantine",
                Weight.HURTS,
                f"{each['visible']} messages that are no events were put aside",
                [f"{each['name']}: {each['visible']} visible"],
                "quarantine.md",
                f"fsxn events redrive quarantine --prefix {scene.prefix}",
            )
        old = each["oldest_seconds"] or 0.0
        if not each["is_dead_letter"] and old >= AGE_SECONDS and not each["name"].endswith("-quarantine"):
            is_ingestion = each["name"] == f"{scene.prefix}-ingestion"
            yield cause(
                f"waiting:{each['name']}",
                Weight.HURTS,
                f"Messages wait in {each['name']}, the oldest for {old:,.0f} s",
                [f"{each['name']}: {each['visible']} visible, {each['in_flight']} in flight"],
                "ingestion-age.md" if is_ingestion else "workload-age.md",
                "fsxn diagnose bundle",
            )


def _dead_letters(queue: Mapping[str, Any], names: set[str], prefix: str) -> tuple[str, str]:
    """Give the page and the next command for a queue of given-up work: by whose it is."""
    owner = queue["name"].removeprefix(f"{prefix}-").removesuffix("-dead-letters")
    redrive = f"fsxn events redrive {owner} --prefix {prefix}"
    if owner == "ingestion":
        return "ingestion-dead-letters.md", redrive
    if f"{prefix}-{owner}-work" in names:
        return "workload-dead-letters.md", redrive
    page = f"{owner}-dead-letters.md" if owner in ("bus", "cloudevents") else "lambda-dead-letters.md"
    return page, f"aws sqs receive-message --visibility-timeout 0 --queue-url {queue['url']}"


def sources(scene: Scene) -> Iterator[Cause]:
    for each in scene.known("sources") or []:
        if each["state"] in ("Enabled", "Enabling", "Creating", "Updating"):
            continue
        routes = each["queue"] == f"{scene.prefix}-ingestion"
        yield cause(
            f"source_off:{each['function']}",
            Weight.STOPS if routes else Weight.HURTS,
            f"{each['function']} does not take from {each['queue']}: its event source is {each['state']}",
            [f"{each['function']}: {each['state']} {each['reason']}"],
            "ingestion-age.md" if routes else "workload-paused.md",
            "terraform apply" if routes else "fsxn events resume <workload>",
        )


def functions(scene: Scene) -> Iterator[Cause]:
    for each in scene.known("functions") or []:
        if each["concurrency"] == 0:
            says, page = (
                f"{each['name']} is switched off: its reserved concurrency is 0",
                "lambda-throttles.md",
            )
        elif each["state"] not in ("", "Active", "Pending", "Inactive"):
            says, page = f"Lambda cannot run {each['name']}: it is {each['state']}", "lambda-errors.md"
        else:
            continue
        yield cause(
            f"function_off:{each['name']}",
            Weight.STOPS,
            says,
            [json.dumps(each)],
            page,
            f"aws lambda get-function --function-name {each['name']}",
        )
    for each in scene.known("errors") or []:
        if any(_is_of_ontap(line["message"]) for line in each["lines"]) and _ontap_is_named(scene):
            continue  # that ONTAP cannot be asked is said above
        yield cause(
            f"errors:{each['name']}",
            Weight.HURTS,
            f"{each['name']} wrote {len(each['lines'])} error lines",
            [f"{line['at']} {line['message']}" for line in reversed(each["lines"])],
            "lambda-errors.md",
            f"aws logs tail {_group(each['name'], scene.prefix)} --since 1h",
        )


def _group(name: str, prefix: str) -> str:
    return f"/ecs/{name}" if name == f"{prefix}-fpolicy" else f"/aws/lambda/{name}"


def _is_of_ontap(message: str) -> bool:
    return any(code in message for code in ERRORS)


def _ontap_is_named(scene: Scene) -> bool:
    return any(True for _ in answers(scene))


def objectives(scene: Scene) -> Iterator[Cause]:
    for each in scene.known("objectives") or []:
        if each["met"] is False:
            yield cause(
                f"objective:{each['slo_name']}",
                Weight.TELLS,
                f"The objective {each['slo_name']} is violated",
                [f"value {each['value']}, threshold {each['threshold']}"],
                f"slo-{each['slo_name']}.md",
                "fsxn slo status",
            )


def alarms(scene: Scene) -> Iterator[Cause]:
    raised = [each for each in scene.known("alarms") or [] if each["state"] == "ALARM"]
    for each in raised[:_ALARMS_SHOWN]:
        page = re.search(r"docs/runbooks/([a-z0-9-]+\.md)", each["description"])
        yield cause(
            f"alarm:{each['name']}",
            Weight.TELLS,
            f"The alarm {each['name']} is raised",
            [f"since {each['since']}: {each['reason']}"],
            page[1] if page else "",
            f"aws cloudwatch describe-alarms --alarm-names {each['name']}",
        )
    silenced = [each["name"] for each in scene.known("alarms") or [] if not each["actions_enabled"]]
    if silenced:
        yield cause(
            "alarms_silenced",
            Weight.TELLS,
            f"{len(silenced)} alarms tell nobody: their actions are off",
            silenced,
            "",
            f"aws cloudwatch enable-alarm-actions --alarm-names {silenced[0]}",
        )
