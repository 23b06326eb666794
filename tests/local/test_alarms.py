"""Each failure that an alarm names: the metric moves, the alarm is raised, its page says why, a fix ends it.

The table is tests/support/alarm_proofs.py, and docs/reference/alarm-proofs.md for readers. Failures that do
not disturb each other are made at once, in rounds; each round is: a look in which all is well, looks with the
failures until every alarm is raised, the runbooks' first commands, the fixes, looks until every alarm is OK.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from fsxn_runtime.slo.alarm_rules import AlarmState

from lab.measured import alarms, resources
from lab.premises import SVM
from lab.world import World
from tests.local.test_capacity import approve, forge_proposal, mode, without_guardrail_policy
from tests.local.test_permissions import statements_instead
from tests.support import aws_command
from tests.support.alarm_proofs import ASYNCHRONOUS, FUNCTIONS, NOT_INJECTED, PROOFS, WORKLOADS, Proof
from tests.support.alarm_watch import Watch, Watched
from tests.support.flows import invoke, job
from tests.support.local import run

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local"), pytest.mark.timeout(1200)]

PREFIX = "fsxn-s3ap-local"
LOOK_SECONDS = 180.0  # a deadline
NOT_LOOKING = ("access-point-monitor", "forecast")  # at the event that they are called with
BAD_EVENT = b"[]"
SUSPICIOUS = 20  # renames, alarm_threshold of module rename-watcher
OVER_THE_CAP_GIB = 20_000
ROOM, RECORD_BYTES = 10, 600  # of the store; what the simulator takes for a notification
ERROR_THRESHOLDS = {"inbox-poll": 3, "reconcile": 3}  # they try again every minute


@dataclass(frozen=True)
class Happening:
    """What is wrong while the context is open; what is done in every look, told whether it is wrong now."""

    broken: Callable[[World], AbstractContextManager[None]]
    act: Callable[[World, bool], None] = lambda world, is_broken: None


# what happens ------------------------------------------------------------------------------------------


def call(world: World, name: str, payload: bytes, kind: str = "RequestResponse") -> None:
    """Call a function; whether it fails, its metrics tell."""
    functions = world.client("lambda")
    try:
        functions.invoke(FunctionName=f"{PREFIX}-{name}", Payload=payload, InvocationType=kind)
    except functions.exceptions.TooManyRequestsException:
        pass


@contextmanager
def wrong_handlers(world: World) -> Iterator[None]:
    """Functions that look at no event fail by their handler."""
    functions, before = world.client("lambda"), dict[str, str]()
    for name in NOT_LOOKING:
        full = f"{PREFIX}-{name}"
        before[full] = functions.get_function_configuration(FunctionName=full)["Handler"]
        functions.update_function_configuration(FunctionName=full, Handler="absent.handler")
    try:
        yield
    finally:
        for full, handler in before.items():
            functions.update_function_configuration(FunctionName=full, Handler=handler)


def bad_events(world: World, is_broken: bool) -> None:
    """As often as the alarm wants it; once more without waiting, for the dead-letter queue.

    The local AWS counts no error of an invocation that nobody waits for. Afterwards dead letters are deleted.
    """
    if not is_broken:
        for name in ASYNCHRONOUS:
            world.client("sqs").purge_queue(QueueUrl=queue_url(world, f"{name}-dead-letters"))
    else:
        for name in FUNCTIONS:
            for _ in range(ERROR_THRESHOLDS.get(name, 1)):
                call(world, name, BAD_EVENT)
        for name in ASYNCHRONOUS:
            call(world, name, BAD_EVENT, "Event")


@contextmanager
def no_concurrency(world: World) -> Iterator[None]:
    functions, before = world.client("lambda"), dict[str, int | None]()
    for name in FUNCTIONS:
        full = f"{PREFIX}-{name}"
        found = functions.get_function_concurrency(FunctionName=full)
        before[full] = found.get("ReservedConcurrentExecutions")
        functions.put_function_concurrency(FunctionName=full, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        for full, number in before.items():
            if number is None:
                functions.delete_function_concurrency(FunctionName=full)
            else:
                functions.put_function_concurrency(FunctionName=full, ReservedConcurrentExecutions=number)


def call_all(world: World, is_broken: bool) -> None:
    if is_broken:
        for name in FUNCTIONS:
            call(world, name, BAD_EVENT)


HEARTBEATS = {
    "access-point-monitor": ("access-point-monitor", {}),
    "forecast": ("forecast", {}),
    "inbox-poll": ("inbox-poll", None),
    "lineage-export": ("lineage-export", {"action": "export"}),
    "reconcile-every-minute": ("reconcile", {"action": "reconcile"}),
    "rotation-watch": ("rotate", {"action": "watch"}),
}


@contextmanager
def disabled_rules(world: World) -> Iterator[None]:
    events = world.client("events")
    rules = [f"{PREFIX}-{name}" for name in HEARTBEATS]
    for rule in rules:
        events.disable_rule(Name=rule)
    try:
        yield
    finally:
        for rule in rules:
            events.enable_rule(Name=rule)


def beat(world: World, is_broken: bool) -> None:
    """Do what the rules do, as long as they do it."""
    if not is_broken:
        for function, event in HEARTBEATS.values():
            given = {"pattern": world.outputs["inbox"]["rule"]["pattern"]} if event is None else event
            call(world, function, json.dumps(given).encode())


@contextmanager
def disabled_router(world: World) -> Iterator[None]:
    functions = world.client("lambda")
    found = functions.list_event_source_mappings(FunctionName=f"{PREFIX}-route")
    (mapping,) = found["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    (world.volume / "waits-for-the-router.txt").write_text("waits")
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def without_policy(world: World, role: str, policy: str) -> Iterator[None]:
    iam, name = world.client("iam"), f"{PREFIX}-{role}"
    found = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=name, PolicyName=policy)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(found))


@contextmanager
def unset_processing(world: World) -> Iterator[None]:
    """Process functions without their settings; afterwards what was given up is sent back."""
    functions, before = world.client("lambda"), dict[str, dict[str, str]]()
    for workload in WORKLOADS:
        name = f"{PREFIX}-{workload}-process"
        found = functions.get_function_configuration(FunctionName=name)
        before[name] = found["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    try:
        yield
    finally:
        for name, variables in before.items():
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    for workload in WORKLOADS:
        sent = run(world, "fsxn", "events", "redrive", workload, "--yes", "--prefix", PREFIX)
        assert sent.returncode in (0, 1), sent.stderr


def files_come(world: World, is_broken: bool) -> None:
    """One file for each workload that reads files, and a rename that the third one watches.

    Asked for by several failures in one look, to which one more file does no harm. None while all is well: a
    machine at work may be slow, which is a failure that the latency's alarm names.
    """
    if not is_broken:
        return
    number = len(list(world.volume.glob("denied-*")))
    inbox = world.volume / "inbox"
    inbox.mkdir(exist_ok=True)
    (world.volume / f"denied-{number}").write_text(str(number))
    (inbox / f"denied-{number}").write_text(str(number))
    path = f"/plain-{number}"
    world.sim.operations(
        [
            {"op": "create", "path": path, "protocol": "NFS 3.0"},
            {"op": "rename", "path": path, "target": f"{path}.locked", "protocol": "NFS 3.0"},
        ]
    )


def poison(world: World, is_broken: bool) -> None:
    sqs = world.client("sqs")
    if is_broken:
        sqs.send_message(QueueUrl=world.queues["ingestion"], MessageBody="{")
    else:
        sqs.purge_queue(QueueUrl=world.queues["quarantine"])


@contextmanager
def slow_ingestion(world: World) -> Iterator[None]:
    sqs, url = world.client("sqs"), world.queues["ingestion"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "6"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})


@contextmanager
def refusing_ontap(world: World, method: str, path: str) -> Iterator[None]:
    world.sim.fault("status", method=method, path=path, count=0, status=500)
    try:
        yield
    finally:
        world.sim.clear_faults()


def reconcile(world: World, is_broken: bool) -> None:
    call(world, "reconcile", json.dumps({"action": "reconcile"}).encode())


@contextmanager
def denied_monitor(world: World) -> Iterator[None]:
    iam, role = world.client("iam"), world.outputs["functions"]["monitor"]["role_name"]
    document = iam.get_role_policy(RoleName=role, PolicyName="monitor")["PolicyDocument"]
    taken = ("ListThroughAccessPoint", "ReadMarker", "WriteReadDeleteProbe")
    rest = [each for each in document["Statement"] if each["Sid"] not in taken]
    with statements_instead(world, "monitor", "monitor", rest):
        yield


def monitor(world: World, is_broken: bool) -> None:
    call(world, "access-point-monitor", b"{}")


@contextmanager
def refused_password(world: World) -> Iterator[None]:
    with refusing_ontap(world, "PATCH", "/api/security/accounts/*"):
        yield
    recovered = run(world, "fsxn", "rotation", "recover")
    assert recovered.returncode == 0, recovered.stderr


def rotate(world: World, is_broken: bool) -> None:
    if is_broken:
        world.client("secretsmanager").rotate_secret(SecretId=world.environment()["ONTAP_SECRET_ID"])


@contextmanager
def paused_workloads(world: World) -> Iterator[None]:
    def switch(word: str) -> None:
        for workload in WORKLOADS:
            done = run(world, "fsxn", "events", word, workload, "--prefix", PREFIX)
            assert done.returncode == 0, done.stderr

    switch("pause")
    try:
        yield
    finally:
        switch("resume")


def sweep(world: World, is_broken: bool) -> None:
    for workload in WORKLOADS:
        call(world, f"{workload}-finish", json.dumps({"action": "sweep"}).encode())


def suspicious_renames(world: World, is_broken: bool) -> None:
    """As many as the alarm wants, of one file."""
    if not is_broken:
        return
    given = job(world, "flows/suspicious", there=False) | {"action": "rename", "uc_id": "rename-watcher"}
    given["event"] |= {"event_type": "FILE_RENAME", "target_path": "/vol1/flows/suspicious.locked"}
    for _ in range(SUSPICIOUS):
        invoke(world, "watcher", given)


def stranger(world: World, is_broken: bool) -> None:
    if not is_broken:
        return
    (task,) = world.runner.tasks(world.service)
    with socket.create_connection((task.address, 9898), timeout=10) as connection:
        connection.sendall(b'"' + b"\xff" * 50)
        connection.settimeout(10)
        with suppress(ConnectionResetError):
            connection.recv(1)


def trouble_at_ontap(world: World, is_broken: bool) -> None:
    if is_broken:
        world.sim.emit("fpolicy.eagain.disconnect", "error", "connection was given up")
    reconcile(world, is_broken)


@contextmanager
def no_server(world: World) -> Iterator[None]:
    """And a store with room for a few notifications."""
    path = f"/protocols/fpolicy/{world.sim.svm_uuid(SVM)}/persistent-stores/fsxn_s3ap_local"
    before = world.sim.rest("GET", f"{path}?fields=size")
    world.sim.rest("PATCH", path, {"size": ROOM * RECORD_BYTES})
    world.stop_server()
    try:
        yield
    finally:
        world.sim.rest("PATCH", path, {"size": before["size"]})
        world.start_server()


def fill_store(world: World, is_broken: bool) -> None:
    if is_broken:
        number = world.sim.status()["monitored"]
        world.sim.operations(
            [{"op": "create", "path": f"/fill-{number}-{n}", "protocol": "NFS 3.0"} for n in range(2 * ROOM)]
        )
    reconcile(world, is_broken)


def growths(world: World, is_broken: bool) -> None:
    """One proposal after the other that must not become a growth, each for a reason of its own.

    Refused by FSx, in a mode that bypasses nobody; over the cap; without the table; let through by a grant,
    and refused by FSx again. Afterwards nothing of it counts any more.
    """
    if not is_broken:
        return
    mark, kind = f"{time.time_ns()}", ("--type", "file_system_grow")
    tell = ("--reason", "alarm test", "--actor", "test")
    reset = ("fsxn", "guardrails", "reset", *kind, *tell)
    run(world, *reset)
    try:
        forge_proposal(world, f"refused-{mark}")
        with mode(world, "BREAK_GLASS"):
            assert approve(world, f"refused-{mark}")[0] == "failed"
        forge_proposal(world, f"large-{mark}")
        world.client("dynamodb").update_item(
            TableName=world.outputs["capacity"]["expansion_table"],
            Key={"pk": {"S": "OPERATION"}, "sk": {"S": f"large-{mark}"}},
            UpdateExpression="SET to_mib = :size",
            ExpressionAttributeValues={":size": {"N": str(OVER_THE_CAP_GIB * 1024)}},
        )
        assert approve(world, f"large-{mark}")[0] == "denied"
        with without_guardrail_policy(world):
            assert approve(world, f"large-{mark}") == ("denied", "store_unavailable")
        run(world, "fsxn", "expansion", "reject", f"large-{mark}", "--actor", "test")
        forge_proposal(world, f"granted-{mark}")
        granted = run(world, "fsxn", "guardrails", "break-glass", "--minutes", "0.5", *tell)
        assert granted.returncode == 0, granted.stderr
        # The pause after the first one denies it, the grant lets it pass, FSx refuses it.
        assert approve(world, f"granted-{mark}")[0] == "failed"
    finally:
        run(world, "fsxn", "guardrails", "revert", "--actor", "test")
        run(world, *reset)


HAPPENINGS = {
    "bad-event": Happening(wrong_handlers, bad_events),
    "no-concurrency": Happening(no_concurrency, call_all),
    "rule-disabled": Happening(disabled_rules, beat),
    "router-disabled": Happening(disabled_router),
    "process-unset": Happening(unset_processing, files_come),
    "lineage-denied": Happening(
        lambda world: without_policy(world, "content-inventory-finish", "lineage"), files_come
    ),
    "poison": Happening(lambda _: nullcontext(), poison),
    "ingestion-slow": Happening(slow_ingestion, files_come),
    "ontap-refuses": Happening(
        partial(refusing_ontap, method="*", path="/api/protocols/fpolicy*"), reconcile
    ),
    "monitor-denied": Happening(denied_monitor, monitor),
    "password-refused": Happening(refused_password, rotate),
    "paused": Happening(paused_workloads, sweep),
    "ransomware": Happening(lambda _: nullcontext(), suspicious_renames),
    "stranger": Happening(lambda _: nullcontext(), stranger),
    "trouble-at-ontap": Happening(lambda _: nullcontext(), trouble_at_ontap),
    "no-server": Happening(no_server, fill_store),
    "growths": Happening(lambda _: nullcontext(), growths),
}
ROUNDS = (
    ("bad-event", "router-disabled"),
    ("no-concurrency", "rule-disabled"),
    (
        "process-unset",
        "lineage-denied",
        "poison",
        "ingestion-slow",
        "ontap-refuses",
        "monitor-denied",
    ),
    ("password-refused", "paused", "ransomware", "stranger", "trouble-at-ontap", "growths"),
    ("no-server",),
)


# the pass ----------------------------------------------------------------------------------------------


@dataclass
class Record:
    """What was seen of one alarm: its states before, during and after the failure; what was shown."""

    watched: Watched
    before: AlarmState | None = None
    during: AlarmState | None = None
    after: AlarmState | None = None
    shown: str = ""


def queue_url(world: World, name: str) -> str:
    return str(world.client("sqs").get_queue_url(QueueName=f"{PREFIX}-{name}")["QueueUrl"])


def first_command(world: World, proof: Proof) -> str:
    """The runbook's command with what it stands for here."""
    command = proof.command
    for placeholder, value in (*proof.given, ("<prefix>", PREFIX)):
        if value == "{queue}":
            value = queue_url(world, proof.alarm)
        elif value == "{state machine}":
            value = world.outputs["state_machine"]["arn"]
        command = command.replace(placeholder, value)
    return command


def show(world: World, proof: Proof) -> str:
    command = first_command(world, proof)
    if command.startswith("aws "):
        return aws_command.run(command, world.client)
    words = command.split()
    if words[1] == "events":
        words += ["--prefix", PREFIX]
    result = run(world, *words)
    return result.stdout + result.stderr


def pass_round(world: World, watch: Watch, happenings: tuple[str, ...], records: dict[str, Record]) -> None:
    proofs = [proof for proof in PROOFS.values() if proof.failure in happenings]
    names = {proof.alarm for proof in proofs}

    def act(is_broken: bool, concerned: set[str]) -> None:
        """Each failure acts as long as an alarm of it is waited for."""
        for name in happenings:
            if any(proof.failure == name and proof.alarm in concerned for proof in proofs):
                HAPPENINGS[name].act(world, is_broken)

    def is_well(alarm: Watched, point: float | None) -> bool:
        return not alarm.is_bad(point)

    def has_spoken(alarm: Watched, point: float | None) -> bool:
        """A look without a point ends no alarm for which silence is bad: the server speaks at intervals."""
        return point is not None or not alarm.is_bad(None)

    watch.look(names, lambda: act(False, names), is_well, LOOK_SECONDS)
    for name in names:
        records[name].before = watch.watched[name].state
    with ExitStack() as broken:
        for happening in happenings:
            broken.enter_context(HAPPENINGS[happening].broken(world))
        while quiet := watch.not_in(AlarmState.ALARM, names):
            watch.look(quiet, partial(act, True, quiet), Watched.is_bad, LOOK_SECONDS)
        for name in names:
            records[name].during = watch.watched[name].state
        for proof in proofs:
            records[proof.alarm].shown = show(world, proof)
    deadline = time.monotonic() + LOOK_SECONDS
    while raised := watch.not_in(AlarmState.OK, names):
        assert time.monotonic() < deadline, {name: watch.watched[name].points for name in raised}
        watch.look(raised, partial(act, False, raised), has_spoken, LOOK_SECONDS)
    for name in names:
        records[name].after = watch.watched[name].state


@pytest.fixture(scope="module")
def applied(world: World) -> dict[str, dict[str, Any]]:
    """Every metric alarm as Terraform applied it, by its name without the prefix."""
    return {alarm["alarm_name"].removeprefix(f"{PREFIX}-"): alarm for alarm in alarms(world)}


@pytest.fixture(scope="module")
def records(world: World, applied: dict[str, dict[str, Any]]) -> dict[str, Record]:
    """All rounds, one after the other."""
    watch = Watch(world, {name: applied[name] for name in PROOFS})
    found = {name: Record(watch.watched[name]) for name in PROOFS}
    for happenings in ROUNDS:
        pass_round(world, watch, happenings, found)
    return found


def test_every_applied_alarm_is_in_the_table(world: World) -> None:
    found = {name.removeprefix(f"{PREFIX}-") for name in world.outputs["alarm_names"]}
    assert found == set(PROOFS) | set(NOT_INJECTED)


@pytest.mark.parametrize("alarm", PROOFS)
def test_the_failure_raises_the_alarm_the_runbook_shows_it_and_the_fix_ends_it(
    alarm: str, records: dict[str, Record]
) -> None:
    record, proof = records[alarm], PROOFS[alarm]
    assert f"docs/runbooks/{proof.runbook}.md" in record.watched.alarm["alarm_description"]
    assert (record.before, record.during, record.after) == (
        AlarmState.OK,
        AlarmState.ALARM,
        AlarmState.OK,
    ), record.watched.points
    assert re.search(proof.shows, record.shown), f"{proof.command} shows: {record.shown[-2000:]}"


def test_a_missing_server_is_enough_for_pipeline_down(world: World, records: dict[str, Record]) -> None:
    """The composite alarm's rule as applied, by the states that its alarms had in the laboratory."""
    (rule,) = (
        each["values"]["alarm_rule"]
        for each in resources(world.terraform)
        if each["type"] == "aws_cloudwatch_composite_alarm"
    )
    assert not holds(rule, {name: record.before for name, record in records.items()})
    assert holds(rule, {"fpolicy-connections": records["fpolicy-connections"].during})


def holds(rule: str, states: Mapping[str, AlarmState | None]) -> bool:
    """Work out a rule of ALARM, AND, OR and NOT; an alarm that is not in `states` is not raised."""

    def is_raised(name: re.Match[str]) -> str:
        return str(states.get(name[1].removeprefix(f"{PREFIX}-")) is AlarmState.ALARM)

    words = re.sub(r'ALARM\("([^"]+)"\)', is_raised, rule)
    words = words.replace(" OR ", " or ").replace(" AND ", " and ").replace("NOT ", "not ")
    assert re.fullmatch(r"(True|False|or|and|not|[() ])+", words), words
    return bool(eval(words))
