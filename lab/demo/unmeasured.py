"""What alarms and widgets look at and the demo does not publish, with the reason: exact in both ways.

A key is a pattern of `lab.measured.written`. A metric that comes to be published, or that nothing looks at,
has to leave this list; a new one without data has to get a reason, or its data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PREFIX: Final = "fsxn-s3ap-local"
_OURS: Final = "FSxN-S3AP-Patterns"

# The emulator counts errors, throttles and time only of functions that are called by the API; these are
# called by queues, rules, schedules and state machines, or not at all.
_NOT_CALLED_BY_API: Final = (
    *(
        f"{name}-{part}"
        for name in ("content-inventory", "inbox", "rename-watcher")
        for part in ("start", "process", "finish")
    ),
    "inbox-poll",
    "lineage-export",
    "diagnose",
    "route",
)
_NOT_COUNTED: Final = "the emulator counts it only of functions that are called by the API"
_QUIET: Final = "nothing of the story is this workload's: no file in the inbox, no suspicious rename"
_NO_FAILURE: Final = "the story has no such failure"

NOT_IN_THE_DEMO: Final[Mapping[str, str]] = {
    **{
        f"AWS/Lambda {metric} FunctionName={_PREFIX}-{function}": _NOT_COUNTED
        for metric in ("Errors", "Throttles")
        for function in _NOT_CALLED_BY_API
    },
    "AWS/Lambda Duration *": _NOT_COUNTED,
    "AWS/ECS CPUUtilization *": "nobody measures a task here; the runner has no limits",
    "AWS/ECS MemoryUtilization *": "as well",
    **{
        f"{metric}-{workload}*": _QUIET
        for workload in ("inbox", "rename-watcher")
        for metric in (
            f"AWS/Lambda Invocations FunctionName={_PREFIX}",
            f"AWS/Logs IncomingBytes LogGroupName=/aws/lambda/{_PREFIX}",
            f"AWS/States ExecutionsStarted StateMachineArn=*:{_PREFIX}",
        )
    },
    f"AWS/DynamoDB ConsumedWriteCapacityUnits TableName={_PREFIX}-rename-watcher-state": _QUIET,
    f"{_OURS} RenameWatcherSuspicious_count UcId=rename-watcher": _QUIET,
    f"{_OURS} ExpansionOutcomes_count Outcome=failed": _NO_FAILURE,
    f"{_OURS} FPolicyEventsQuarantined_count": _NO_FAILURE,
    f"{_OURS} FPolicyFramesMalformed_count": _NO_FAILURE,
    f"{_OURS} GuardrailDynamoDBError *": _NO_FAILURE,
    f"{_OURS} GuardrailGrantMissing *": "the mode is ENFORCE, which needs no grant",
    f"{_OURS} GuardrailDryRunAllowed *": "the mode is ENFORCE",
    f"{_OURS} LineageExportLag_sec": "the export runs a quarter past every hour",
    f"{_OURS} WorkloadFailed_count Reason=misconfigured *": _NO_FAILURE,
    f"{_OURS} WorkloadFailed_count UcId=content-inventory": _NO_FAILURE,
}
