"""Approval by link without HTTP: links, pages, and what becomes of a decision when something dies.

The executions are the local AWS's own: a state machine that waits for a task token and hands it out by queue.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.errors import RejectedError, TransientError
from fsxn_runtime.expansion import approval_page
from fsxn_runtime.expansion.approval import (
    Approval,
    Decision,
    LinkState,
    decision_of,
    hash_of,
    link_of,
    parts_of,
    state_of,
)
from fsxn_runtime.expansion.approval_handler import Links
from fsxn_runtime.expansion.approval_page import HEADERS, GuardrailView
from fsxn_runtime.expansion.approval_store import ApprovalStore
from fsxn_runtime.expansion.approver import Approver, Workflow
from fsxn_runtime.expansion.expander import Expander
from fsxn_runtime.expansion.model import Kind, Operation, Outcome
from hypothesis import given
from hypothesis import strategies as st

from lab.cloud.emulator import Emulator
from tests.support.expansion_world import ExpansionWorld
from tests.support.guardrail_world import HOUR, SECOND, Crash
from tests.support.waiting import wait_until

MINUTE = 60 * SECOND
TOKEN = "A" * 43
CHECK = {"action": "check"}
PROPOSED = Operation(
    operation_id="0123456789ab",
    outcome=Outcome.PROPOSED,
    kind=Kind.VOLUME,
    resource_id="fsvol-1",
    file_system_id="fs-1",
    arn="arn",
    from_mib=102_400,
    to_mib=131_658,
    cause="alarm",
    request_id="r",
    action_id="a",
    created_us=1_000_000,
    link_hash=hash_of(TOKEN),
)


@given(st.text(max_size=60))
def test_only_a_whole_link_has_parts(text: str) -> None:
    parts = parts_of(text)
    assert parts is None or link_of("", *parts) == text
    assert parts_of(link_of("", PROPOSED.operation_id, TOKEN)) == (PROPOSED.operation_id, TOKEN)


@pytest.mark.parametrize("form", ["", "decision=", "decision=yes", "decision=approve&decision=reject", "x"])
def test_a_form_decides_only_in_its_own_words(form: str) -> None:
    assert decision_of(form) is None
    assert decision_of("decision=approve") is Decision.APPROVE
    assert decision_of("decision=reject") is Decision.REJECT


DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("approval", "token", "now", "state"),
    [
        (None, TOKEN, 0, LinkState.UNKNOWN),
        (Approval(PROPOSED), "B" * 43, 0, LinkState.UNKNOWN),
        (Approval(replace(PROPOSED, link_hash="")), TOKEN, 0, LinkState.UNKNOWN),
        (Approval(PROPOSED), TOKEN, DAY, LinkState.OPEN),
        (Approval(PROPOSED), TOKEN, DAY + 1_000_000, LinkState.EXPIRED),
        (Approval(PROPOSED, decision="approve"), TOKEN, 0, LinkState.USED),
        (Approval(replace(PROPOSED, outcome=Outcome.COMPLETED)), TOKEN, 2 * DAY, LinkState.USED),
        (
            Approval(replace(PROPOSED, outcome=Outcome.REJECTED, reason="proposal_is_stale")),
            TOKEN,
            0,
            LinkState.EXPIRED,
        ),
    ],
)
def test_what_a_link_is_good_for(approval: Approval | None, token: str, now: int, state: LinkState) -> None:
    assert state_of(approval, token, now) is state


def test_a_task_token_is_in_no_representation() -> None:
    assert "secret" not in f"{Approval(PROPOSED, task_token='secret')!r}"


@given(st.text(), st.text())
def test_a_page_takes_no_text_for_markup(name: str, reason: str) -> None:
    hostile = replace(PROPOSED, resource_id=f"<script>{name}", reason=f'"><img {reason}')
    page = approval_page.proposal(hostile, GuardrailView("ENFORCE", "0 of 10", "<b>")).body
    assert "<script>" not in page
    assert "<img" not in page
    assert "<b>" not in page


def test_pages_load_nothing_and_are_kept_nowhere() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    style = approval_page.later().body.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy  # another hash, and browsers leave the page bare
    assert (HEADERS["Cache-Control"], HEADERS["Referrer-Policy"]) == ("no-store", "no-referrer")


@dataclass
class Desk:
    """An expander that asks by links, and the executions that wait."""

    world: ExpansionWorld
    expander: Expander
    approver: Approver
    sqs: Any
    queue: str
    sfn: Any
    machine: str

    def propose(self) -> str:
        """Let a growth be proposed, and its execution ask; give the operation's id."""
        self.world.cloudwatch.ssd_pct = 85.0
        event = {"action": "grow", "request_id": f"r-{self.world.now}", "file_system_id": "fs-1"}
        (answer,) = self.world.send(self.expander, event)
        assert answer.outcome is Outcome.PROPOSED
        return answer.operation_id

    def ask(self) -> dict[str, str]:
        """Hand the waiting execution's token to the function, as the execution does."""
        messages = wait_until(
            lambda: self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1).get("Messages")
        )
        event: dict[str, str] = json.loads(messages[0]["Body"])
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        self.world.send(self.expander, event)
        return event

    def status(self, operation_id: str) -> str:
        arn = f"{self.machine.replace(':stateMachine:', ':execution:')}:{operation_id}"
        status: str = self.sfn.describe_execution(executionArn=arn)["status"]
        return status


@pytest.fixture
def desk(world: ExpansionWorld, emulator: Emulator) -> Iterator[Desk]:
    sqs, sfn = emulator.client("sqs"), emulator.client("stepfunctions")
    queue = sqs.create_queue(QueueName="tokens")["QueueUrl"]
    body = {"action": "ask", "operation_id.$": "$.operation_id", "task_token.$": "$$.Task.Token"}
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "TimeoutSeconds": 60,
        "Parameters": {"QueueUrl": queue, "MessageBody": body},
        "End": True,
    }
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
    iam = emulator.client("iam")
    iam.create_role(
        RoleName="states",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    machine = sfn.create_state_machine(
        name="approval",
        definition=json.dumps({"StartAt": "Ask", "States": {"Ask": ask}}),
        roleArn="arn:aws:iam::000000000000:role/states",
    )["stateMachineArn"]
    store = ApprovalStore(emulator.client("dynamodb"), world.table)
    approver = Approver(store, Workflow(sfn, machine), "https://links.example.com/")
    expander = replace(world.expander("propose"), approver=approver)
    yield Desk(world, expander, approver, sqs, queue, sfn, machine)
    sqs.delete_queue(QueueUrl=queue)
    sfn.delete_state_machine(stateMachineArn=machine)
    iam.delete_role(RoleName="states")


class Dying(Workflow):
    """The process dies when it would begin an execution."""

    def begin(self, operation_id: str) -> None:
        raise Crash


def test_a_proposal_that_nobody_was_asked_about_is_asked_by_a_later_check_once(desk: Desk) -> None:
    healthy = desk.expander
    dying = replace(desk.approver, workflow=Dying(desk.sfn, desk.machine))
    desk.expander = replace(healthy, approver=dying)
    with pytest.raises(Crash):
        desk.propose()
    desk.expander = healthy
    (proposal,) = desk.world.store.open()
    assert desk.world.send(desk.expander, CHECK) == []
    for _ in range(3):
        desk.world.guardrails.now += 6 * MINUTE
        desk.world.send(desk.expander, CHECK)
    desk.ask()
    assert desk.world.alerts == ["Expansion proposed for fs-1"]
    (link,) = desk.world.guardrails.alerts.secrets
    assert link.startswith(f"https://links.example.com/{proposal.operation_id}/")
    assert "Messages" not in desk.sqs.receive_message(QueueUrl=desk.queue)


def test_of_two_answers_the_first_counts(desk: Desk) -> None:
    operation_id = desk.propose()
    desk.ask()
    now = desk.world.now
    assert desk.approver.decide(operation_id, Decision.APPROVE, "ann", now)
    assert not desk.approver.decide(operation_id, Decision.REJECT, "bob", now)
    wait_until(lambda: desk.status(operation_id) == "SUCCEEDED")
    proposal = desk.world.store.get(operation_id)
    assert proposal is not None
    assert (proposal.actor, proposal.outcome) == ("ann", Outcome.PROPOSED)
    assert [a.outcome for a in desk.world.send(desk.expander, carry_out(operation_id))] == ["started"]
    assert [a.outcome for a in desk.world.send(desk.expander, carry_out(operation_id))] == ["ignored"]


def carry_out(operation_id: str) -> dict[str, str]:
    return {"action": "carry_out", "operation_id": operation_id}


def test_nothing_is_carried_out_that_nobody_approved(desk: Desk) -> None:
    operation_id = desk.propose()
    desk.ask()
    assert [a.outcome for a in desk.world.send(desk.expander, carry_out(operation_id))] == ["ignored"]
    assert desk.world.fsx.capacity_gib == 1024


class Deaf(Workflow):
    """Step Functions does not answer."""

    def go_on(self, task_token: str, operation_id: str) -> bool:
        raise TransientError("states:SendTaskSuccess: no answer", code="aws_unreachable")


def test_a_decision_that_could_not_be_told_is_told_by_a_later_check(desk: Desk) -> None:
    operation_id = desk.propose()
    desk.ask()
    deaf = replace(desk.approver, workflow=Deaf(desk.sfn, desk.machine))
    assert deaf.decide(operation_id, Decision.APPROVE, "ann", desk.world.now)
    assert desk.world.send(desk.expander, CHECK) == []  # its execution may be about to carry it out
    assert desk.status(operation_id) == "RUNNING"
    desk.world.guardrails.now += 6 * MINUTE
    desk.world.send(desk.expander, CHECK)
    wait_until(lambda: desk.status(operation_id) == "SUCCEEDED")


def test_what_was_approved_grows_though_its_execution_is_gone(desk: Desk) -> None:
    operation_id = desk.propose()
    desk.ask()
    deaf = replace(desk.approver, workflow=Deaf(desk.sfn, desk.machine))
    deaf.decide(operation_id, Decision.APPROVE, "ann", desk.world.now)
    arn = f"{desk.machine.replace(':stateMachine:', ':execution:')}:{operation_id}"
    desk.sfn.stop_execution(executionArn=arn)
    desk.approver.workflow.end(desk.approver.store.get(operation_id).task_token, "gone")  # type: ignore[union-attr]
    wait_until(lambda: desk.status(operation_id) != "RUNNING")
    desk.world.guardrails.now += 6 * MINUTE
    assert [a.outcome for a in desk.world.send(desk.expander, CHECK)] == ["started"]
    assert desk.world.fsx.capacity_gib == 1244


def test_what_may_not_begin_is_asked_again(desk: Desk) -> None:
    desk.expander = replace(
        desk.expander, guardrail=desk.world.guardrails.guardrail("ENFORCE", daily_cap_gb=1)
    )
    operation_id = desk.propose()
    event = desk.ask()
    desk.approver.decide(operation_id, Decision.APPROVE, "ann", desk.world.now)
    assert [a.outcome for a in desk.world.send(desk.expander, carry_out(operation_id))] == ["denied"]
    desk.world.send(desk.expander, event)  # the execution asks once more
    first, second = (link.rsplit("/", 1)[1] for link in desk.world.guardrails.alerts.secrets)
    now = desk.world.now
    assert not desk.approver.decide(operation_id, Decision.REJECT, "ann", now, token=first)
    assert desk.approver.decide(operation_id, Decision.REJECT, "ann", now, token=second)


def test_who_asks_about_a_proposal_that_is_over_is_told_so(desk: Desk) -> None:
    with pytest.raises(RejectedError, match="no open proposal"):
        desk.expander.ask("0123456789ab", "task")


def test_an_answer_after_a_day_does_not_count(desk: Desk) -> None:
    operation_id = desk.propose()
    desk.ask()
    token = desk.world.guardrails.alerts.secrets[0].rsplit("/", 1)[1]
    late = desk.world.now + DAY
    assert not desk.approver.decide(operation_id, Decision.APPROVE, "ann", late, token=token)


def test_every_request_is_counted_by_its_result(desk: Desk) -> None:
    operation_id = desk.propose()
    desk.ask()
    token = desk.world.guardrails.alerts.secrets[0].rsplit("/", 1)[1]
    lines: list[str] = []
    guardrail = desk.world.guardrails.guardrail("ENFORCE")
    operations = desk.world.guardrails.operations()
    links = Links(desk.approver, operations, guardrail.settings, Emf("test", write=lines.append))
    path, now = f"/{operation_id}/{token}", desk.world.now
    statuses = [
        links.answer(method, where, form, "192.0.2.7", now).status
        for method, where, form in (
            ("GET", path, ""),
            ("GET", f"/{operation_id}/{TOKEN}", ""),
            ("DELETE", path, ""),
            ("POST", path, "decision=approve"),
            ("POST", path, "decision=approve"),
        )
    ]
    assert statuses == [200, 404, 405, 200, 410]
    links.emf.flush()
    counted = {line["Result"]: line["ApprovalLinks_count"] for line in map(json.loads, lines)}
    assert counted == {"open": 1, "unknown": 1, "wrong_use": 1, "approve": 1, "used": 1}
