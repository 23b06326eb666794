"""Functions on the local AWS keep their error names, their process and their own packages only."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lab.cloud.emulator import Emulator
from tests.lab.cloud.functions import invoke, log_lines, make_function, make_role
from tests.support.waiting import wait_until

SOURCE = '''
import os, time
CALLS = 0

class QuotaError(Exception):
    """A product's own error."""

def handler(event, context):
    global CALLS
    CALLS += 1
    print("handling", event.get("raise"))
    if event.get("raise") == "QuotaError":
        raise QuotaError("no room")
    if event.get("raise") == "not json":
        return object()
    if event.get("raise") == "exit":
        os._exit(3)
    if event.get("raise") == "sleep":
        time.sleep(30)
    return {
        "calls": CALLS, "pid": os.getpid(), "remaining_ms": context.get_remaining_time_in_millis(),
        "name": context.function_name, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "request_id": context.aws_request_id,
        "endpoint": os.environ["AWS_ENDPOINT_URL"],
    }
'''


@pytest.fixture(scope="module")
def function(emulator: Emulator) -> str:
    make_function(emulator, "errors", SOURCE, timeout_seconds=3)
    return "errors"


def test_a_handler_sees_its_context(emulator: Emulator, function: str) -> None:
    answer, failed = invoke(emulator, function, {})
    assert not failed
    assert answer["name"] == function
    assert answer["arn"].endswith(":function:errors")
    assert answer["memory"] == 256
    assert 0 < answer["remaining_ms"] <= 3000
    assert answer["request_id"]
    assert answer["endpoint"] == emulator.endpoint


def test_variables_for_every_function_do_not_replace_its_own(emulator: Emulator) -> None:
    source = (
        "import os\ndef handler(event, context):\n    return [os.environ['LAB_ONE'], os.environ['LAB_TWO']]\n"
    )
    make_function(emulator, "told", source, variables={"LAB_TWO": "own"})
    emulator.set_function_environment({"LAB_ONE": "one", "LAB_TWO": "two"})
    assert invoke(emulator, "told", {}) == (["one", "own"], False)


def test_an_error_keeps_its_name_and_its_stack(emulator: Emulator, function: str) -> None:
    answer, failed = invoke(emulator, function, {"raise": "QuotaError"})
    assert failed
    assert answer["errorType"] == "QuotaError"
    assert answer["errorMessage"] == "no room"
    assert any("in handler" in line for line in answer["stackTrace"])


def test_the_process_lives_on_after_an_error(emulator: Emulator, function: str) -> None:
    before, _ = invoke(emulator, function, {})
    invoke(emulator, function, {"raise": "QuotaError"})
    after, _ = invoke(emulator, function, {})
    assert after["pid"] == before["pid"]
    assert after["calls"] == before["calls"] + 2


def test_an_answer_that_is_not_json_is_an_error_of_the_runtime(emulator: Emulator, function: str) -> None:
    answer, failed = invoke(emulator, function, {"raise": "not json"})
    assert failed
    assert answer["errorType"] == "Runtime.MarshalError"


def test_a_process_that_ends_is_replaced(emulator: Emulator, function: str) -> None:
    answer, failed = invoke(emulator, function, {"raise": "exit"})
    assert failed
    assert answer["errorType"] == "Runtime.ExitError"
    assert invoke(emulator, function, {})[0]["calls"] == 1


def test_the_timeout_is_enforced(emulator: Emulator, function: str) -> None:
    answer, failed = invoke(emulator, function, {"raise": "sleep"})
    assert failed
    assert answer["errorType"] == "Sandbox.Timedout"


def test_prints_and_tracebacks_reach_the_log_group(emulator: Emulator, function: str) -> None:
    invoke(emulator, function, {"raise": "QuotaError"})
    lines = wait_until(lambda: log_lines(emulator, "/aws/lambda/errors"))
    assert "handling QuotaError" in lines
    assert "[ERROR] QuotaError: no room" in lines
    assert not any("end of invocation" in line for line in lines)


def test_a_function_has_only_so_many_processes(emulator: Emulator) -> None:
    """Twelve calls at once: all are answered, by at most four processes; nothing is throttled."""
    make_function(
        emulator, "busy", "import os, time\ndef handler(e, c):\n time.sleep(0.5)\n return os.getpid()"
    )
    client = emulator.client("lambda")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.invoke(FunctionName="busy"), range(12)))
    assert not any("FunctionError" in answer for answer in answers)
    assert len({answer["Payload"].read() for answer in answers}) <= 4


def test_the_functions_own_endpoint_setting_wins(emulator: Emulator) -> None:
    """This is how a function is sent through a fault proxy."""
    make_function(emulator, "proxied", SOURCE, variables={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert invoke(emulator, "proxied", {})[0]["endpoint"] == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("source", "error_type", "name"),
    [
        ("import pytest\ndef handler(e, c): ...", "Runtime.ImportModuleError", "pytest"),
        ("def other(e, c): ...", "Runtime.HandlerNotFound", "handler"),
        ("1 / 0", "ZeroDivisionError", "division"),
    ],
    ids=["package-not-in-zip", "no-handler", "import-fails"],
)
def test_a_function_that_cannot_start_says_why(
    emulator: Emulator, source: str, error_type: str, name: str
) -> None:
    """A package that only the laboratory has (pytest) is missing here, as it would be on AWS."""
    function = f"broken-{error_type.replace('.', '-')}"
    make_function(emulator, function, source)
    answer, failed = invoke(emulator, function, {})
    assert failed
    assert answer["errorType"] == error_type
    assert name in answer["errorMessage"]
    lines = wait_until(lambda: log_lines(emulator, f"/aws/lambda/{function}"))
    assert any(line.startswith(f"[ERROR] {error_type}: ") and name in line for line in lines)


def test_retry_and_catch_match_the_functions_own_error_names(emulator: Emulator, function: str) -> None:
    """Two attempts by Retry on QuotaError, then the branch that catches exactly that name."""
    definition: dict[str, Any] = {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": function, "Payload.$": "$"},
                "Retry": [{"ErrorEquals": ["QuotaError"], "IntervalSeconds": 1, "MaxAttempts": 1}],
                "Catch": [
                    {"ErrorEquals": ["OtherError"], "Next": "Wrong"},
                    {"ErrorEquals": ["QuotaError"], "Next": "Caught"},
                ],
                "End": True,
            },
            "Wrong": {"Type": "Fail"},
            "Caught": {"Type": "Pass", "End": True},
        },
    }
    states = emulator.client("stepfunctions")
    machine = states.create_state_machine(
        name="retry",
        definition=json.dumps(definition),
        roleArn=make_role(emulator, "machine", []),
    )["stateMachineArn"]
    before, _ = invoke(emulator, function, {})
    execution = states.start_execution(stateMachineArn=machine, input='{"raise": "QuotaError"}')[
        "executionArn"
    ]
    result = wait_until(
        lambda: (d := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and d
    )
    assert result["status"] == "SUCCEEDED"
    assert json.loads(result["output"])["Error"] == "QuotaError"
    after, _ = invoke(emulator, function, {})
    assert after["calls"] == before["calls"] + 3  # the call, its retry, and this one
