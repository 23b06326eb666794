"""The state item and the names of executions against plain models, in any order.

What the other proofs run over memory holds only if memory behaves as the services do. So the same steps are
made on DynamoDB and Step Functions of the local AWS and on the models, and every answer must be the same.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.workloads.clients import Executions
from fsxn_runtime.workloads.core import execution_arn, execution_name
from fsxn_runtime.workloads.model import StateItem, Status
from fsxn_runtime.workloads.store import StateStore
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.support.emulator import emulator, emulator_process  # noqa: F401
from tests.support.state_table import create_state_table
from tests.support.waiting import wait_until
from tests.support.workload_world import T0, UC_ID, MemoryExecutions, MemoryStore, Steps

KEYS = st.sampled_from(["k1", "k2"])
ATTEMPTS = st.integers(0, 3)
ENDS = [status for status in Status if status is not Status.IN_PROGRESS]
TTL = T0 + 90 * 86_400_000_000
ROUNDS = settings(stateful_step_count=20)


def item(work_key: str, attempt: int, status: Status = Status.IN_PROGRESS, event_id: str = "e1") -> StateItem:
    return StateItem(
        uc_id=UC_ID,
        work_key=work_key,
        status=status,
        attempt=attempt,
        execution_arn=f"arn:{attempt}",
        event_id=event_id,
        file_path="/vol1/a",
        updated_at=format_timestamp(T0 + attempt),
        execution_input="" if status is not Status.IN_PROGRESS else json.dumps({"attempt": attempt}),
    )


@pytest.fixture(scope="module")
def dynamodb(emulator):  # noqa: F811
    client = emulator.client("dynamodb")
    create_state_table(client, "state")
    return client


def test_the_table_decides_as_the_model_does(dynamodb):
    class Items(RuleBasedStateMachine):
        """Whatever was seen, by whomever, and however old: only what is still so is changed."""

        @initialize()
        def empty(self):
            for key in ("k1", "k2"):
                dynamodb.delete_item(TableName="state", Key={"pk": {"S": f"{UC_ID}#{key}"}})
            self.real = StateStore(dynamodb, "state", UC_ID)
            self.model = MemoryStore(Steps())

        @rule(key=KEYS, event_id=st.sampled_from(["e1", "e2"]), status=st.sampled_from(Status))
        def reserve(self, key, event_id, status):
            first = item(key, 1, status, event_id)
            assert self.real.reserve(first) == self.model.reserve(first)

        @rule(key=KEYS, attempt=ATTEMPTS, status=st.sampled_from(Status), following=st.integers(1, 3))
        def advance(self, key, attempt, status, following):
            self.change("advance", item(key, attempt, status), item(key, following))

        @rule(key=KEYS, attempt=ATTEMPTS, status=st.sampled_from(Status), end=st.sampled_from(ENDS))
        def close(self, key, attempt, status, end):
            self.change("close", item(key, attempt, status), end, T0, TTL)

        @rule(key=KEYS)
        def go_on_with_what_is_there(self, key):
            seen = self.model.get(key)
            if seen is not None:
                self.change("advance", seen, item(key, seen.attempt + 1))

        @rule(key=KEYS)
        def count_duplicate(self, key):
            self.real.count_duplicate(key)
            self.model.count_duplicate(key)

        def change(self, name, seen, *rest):
            assert getattr(self.real, name)(seen, *rest) == getattr(self.model, name)(seen, *rest)
            for key in ("k1", "k2"):
                assert self.real.get(key) == self.model.get(key)
            opened = {found.work_key for found in self.real.in_progress_before(TTL)}
            assert opened == {found.work_key for found in self.model.in_progress_before(TTL)}

        def teardown(self):
            for found in dynamodb.scan(TableName="state")["Items"]:
                key = found["pk"]["S"].partition("#")[2]
                assert int(found["duplicates"]["N"]) == self.model.duplicates[key]

    run_state_machine_as_test(Items, settings=ROUNDS)


def test_a_name_starts_one_execution_as_in_the_model(emulator):  # noqa: F811
    """Running, ended, with the same input or another one: True says that this call may have started it."""
    stepfunctions = emulator.client("stepfunctions")
    role = emulator.client("iam").create_role(RoleName="states", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    wait = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}}
    machine = stepfunctions.create_state_machine(name="waits", definition=json.dumps(wait), roleArn=role)[
        "stateMachineArn"
    ]
    rounds = iter(range(1_000_000))

    class Names(RuleBasedStateMachine):
        @initialize()
        def fresh(self):
            self.round = next(rounds)
            self.real, self.model = Executions(stepfunctions, machine), MemoryExecutions(Steps())

        def item(self, key, attempt, given="a"):
            name = execution_name(UC_ID, f"{self.round}-{key}", attempt)
            arn = execution_arn(machine, name)
            made = replace(item(f"{self.round}-{key}", attempt), execution_arn=arn)
            return replace(made, execution_input=json.dumps({"given": given}))

        @rule(key=KEYS, attempt=st.integers(1, 2), given=st.sampled_from("ab"))
        def start(self, key, attempt, given):
            wanted = self.item(key, attempt, given)
            before = self.model.inputs.get(wanted.execution_arn)
            answer = self.real.start(wanted)
            expected = self.model.start(wanted)
            if before == {"given": given} and self.model.outcomes[wanted.execution_arn].status == "RUNNING":
                return  # AWS says yes again to the same input, the local AWS no: either way it is one
            assert answer == expected

        @rule(key=KEYS, attempt=st.integers(1, 2))
        def end(self, key, attempt):
            arn = self.item(key, attempt).execution_arn
            if arn in self.model.running():
                stepfunctions.stop_execution(executionArn=arn)
                wait_until(lambda: self.real.look(arn).status == "ABORTED")
                self.model.outcomes[arn] = replace(self.model.outcomes[arn], status="ABORTED")

        @rule(key=KEYS, attempt=st.integers(1, 2))
        def look(self, key, attempt):
            arn = self.item(key, attempt).execution_arn
            real, model = self.real.look(arn), self.model.look(arn)
            assert (real and real.status) == (model and model.status)
            if model is not None:
                found = stepfunctions.describe_execution(executionArn=arn)["input"]
                assert json.loads(found) == self.model.inputs[arn]

        def teardown(self):
            for arn in self.model.running():
                stepfunctions.stop_execution(executionArn=arn)

    run_state_machine_as_test(Names, settings=ROUNDS)
