"""Which failure raises each alarm of envs/local in the laboratory, and what the first command shows.

Data alone: tests/local/test_alarms.py makes the failures and watches, tests/structure/test_alarm_proofs.py
holds this table to the alarms that there are, and docs/reference/alarm-proofs.md to this table
(`python -m tests.support.alarm_proofs` writes it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "alarm-proofs.md"
WORKLOADS = ("content-inventory", "inbox", "rename-watcher")
# Functions that are called without anybody waiting have a dead-letter queue of their own.
ASYNCHRONOUS = (
    "access-point-monitor",
    *(f"{workload}-finish" for workload in WORKLOADS),
    "expand",
    "forecast",
    "inbox-poll",
    "lineage-export",
    "reconcile",
    "rotate",
)
FUNCTIONS = (
    *ASYNCHRONOUS,
    *(f"{workload}-{step}" for workload in WORKLOADS for step in ("process", "start")),
    "route",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is done to the laboratory, and what ends it."""

    done: str
    ended: str


@dataclass(frozen=True, slots=True)
class Proof:
    """One alarm: its failure by name; its runbook's page and first command as it is there; what that shows.

    `shows` is a pattern. `given` are the values of the command's placeholders, besides `<prefix>`; a value in
    braces is looked up in the running laboratory ("{queue}" is the URL of the alarm's own queue).
    """

    alarm: str
    failure: str
    runbook: str
    command: str
    shows: str
    given: tuple[tuple[str, str], ...] = ()


FAILURES: Mapping[str, Failure] = {
    "bad-event": Failure(
        "the function is called with an event that is none of its own (of two that look at no event the "
        "handler is one that is not there)",
        "no more such events, or the handler of before; the dead letters are deleted",
    ),
    "no-concurrency": Failure(
        "the function's reserved concurrency is 0, and it is called", "the concurrency of before"
    ),
    "rule-disabled": Failure(
        "the rule that calls the function is disabled, and nothing else calls it", "the rule is enabled"
    ),
    "router-disabled": Failure(
        "the router's event source mapping is disabled, and an event waits", "the mapping is enabled"
    ),
    "process-unset": Failure(
        "the process functions have lost their settings, and files come",
        "the settings are back; `fsxn events redrive` sends the work back",
    ),
    "lineage-denied": Failure(
        "the finisher may not write lineage, and an execution fails", "the permission is back"
    ),
    "poison": Failure("a message that is no JSON is in the ingestion queue", "the message is deleted"),
    "ingestion-slow": Failure(
        "the ingestion queue holds each message back for six seconds", "the delay of before"
    ),
    "ontap-refuses": Failure("ONTAP REST answers 500 to everything about FPolicy", "it answers again"),
    "monitor-denied": Failure(
        "the monitor may neither list, nor read, nor write through the access point",
        "the permissions are back",
    ),
    "password-refused": Failure(
        "ONTAP REST answers 500 when a password is to be changed, and a rotation is asked for",
        "it answers again; `fsxn rotation recover`",
    ),
    "paused": Failure("`fsxn events pause`", "`fsxn events resume`"),
    "ransomware": Failure("20 renames to an extension of ransomware", "no more of them"),
    "stranger": Failure("somebody sends the server bytes that are no FPolicy", "nobody does any more"),
    "trouble-at-ontap": Failure("ONTAP's event log has `fpolicy.eagain.disconnect`", "no more of them"),
    "growths": Failure(
        "growths are approved that FSx refuses, that are over the cap, without the table, in BREAK_GLASS "
        "without a grant, and with one",
        "no more of them; `fsxn guardrails reset`",
    ),
    "no-server": Failure(
        "the service is scaled to nothing, the store has room for ten notifications, and 20 files come",
        "the store has its size again, the service a task",
    ),
}

LAMBDA_ERRORS = (
    "aws logs tail /aws/lambda/<function> --since 15m --filter-pattern '?ERROR ?\"Task timed out\"'"
)
LAMBDA_CONCURRENCY = "aws lambda get-function-concurrency --function-name <function>"
LAMBDA_LETTERS = "aws sqs receive-message --queue-url <url> --visibility-timeout 30"
RULE = "aws events describe-rule --name {}"
ACCESS_POINT = (
    "aws logs tail /aws/lambda/<prefix>-access-point-monitor --since 30m --filter-pattern '\"check.failed\"'"
)


STORE_UNAVAILABLE = (
    "aws logs tail /aws/lambda/<prefix>-expand --since 15m --filter-pattern '\"store.unavailable\"'"
)
SERVER_LOG = "aws logs tail /ecs/<prefix>-fpolicy --since 15m --filter-pattern '{}'"
RECONCILER_LOG = "aws logs tail /aws/lambda/<prefix>-reconcile --since 15m --filter-pattern '{}'"


def _functions() -> Iterator[Proof]:
    for name in FUNCTIONS:
        function = (("<function>", f"fsxn-s3ap-local-{name}"),)
        yield Proof(f"{name}-errors", "bad-event", "lambda-errors", LAMBDA_ERRORS, "Error", function)
        yield Proof(
            f"{name}-throttles",
            "no-concurrency",
            "lambda-throttles",
            LAMBDA_CONCURRENCY,
            '"ReservedConcurrentExecutions": 0',
            function,
        )
    for name in ASYNCHRONOUS:
        yield Proof(
            f"{name}-dead-letters",
            "bad-event",
            "lambda-dead-letters",
            LAMBDA_LETTERS,
            "errorMessage",
            (("<url>", "{queue}"),),
        )


def _workloads() -> Iterator[Proof]:
    for name in WORKLOADS:
        status = "fsxn events status <workload>"
        yield Proof(f"{name}-paused", "paused", "workload-paused", status, "paused", (("<workload>", name),))
        command, given = "fsxn events redrive <workload>", (("<workload>", name),)
        yield Proof(
            f"{name}-dead-letters", "process-unset", "workload-dead-letters", command, "misconfigured", given
        )
        yield Proof(
            f"{name}-misconfigured",
            "process-unset",
            "workload-misconfigured",
            command,
            "misconfigured",
            given,
        )


def _heartbeats() -> Iterator[Proof]:
    rules = {
        "access-point-silent": ("canary-silent", "<prefix>-access-point-monitor"),
        "forecast-missing": ("forecast-missing", "<prefix>-forecast"),
        "fpolicy-reconcile-missing": ("fpolicy-reconcile-missing", "<prefix>-reconcile-every-minute"),
        "lineage-export-behind": ("lineage-export-behind", "<prefix>-lineage-export"),
        "rotation-overdue": ("rotation-overdue", "<prefix>-rotation-watch"),
    }
    for alarm, (runbook, rule) in rules.items():
        yield Proof(alarm, "rule-disabled", runbook, RULE.format(rule), '"State": "DISABLED"')
    poll = RULE.format("<prefix>-<workload>-poll")
    yield Proof(
        "inbox-poll-behind",
        "rule-disabled",
        "workload-poll-behind",
        poll,
        '"State": "DISABLED"',
        (("<workload>", "inbox"),),
    )


PROOFS: Mapping[str, Proof] = {
    proof.alarm: proof
    for proof in (
        *_functions(),
        *_heartbeats(),
        *_workloads(),
        Proof(
            "ingestion-age",
            "router-disabled",
            "ingestion-age",
            "aws lambda list-event-source-mappings --function-name <prefix>-route",
            '"State": "Disabled"',
        ),
        Proof(
            "slo-success-rate",
            "process-unset",
            "slo-success-rate",
            "aws stepfunctions list-executions --state-machine-arn <arn> --status-filter FAILED "
            "--max-items 5",
            '"status": "FAILED"',
            (("<arn>", "{state machine}"),),
        ),
        Proof(
            "lineage-failures",
            "lineage-denied",
            "lineage-failures",
            "aws logs filter-log-events --log-group-name <log group> --filter-pattern '\"record.lost\"'",
            "aws_denied",
            (("<log group>", "/aws/lambda/fsxn-s3ap-local-content-inventory-finish"),),
        ),
        Proof("quarantine", "poison", "quarantine", "fsxn events redrive quarantine", "not_json"),
        Proof(
            "slo-ingestion-latency",
            "ingestion-slow",
            "slo-ingestion-latency",
            "fsxn slo status",
            r"ingestion-latency +\w+ +\d{4,}",
        ),
        Proof(
            "fpolicy-reconcile-failing",
            "ontap-refuses",
            "fpolicy-reconcile-failing",
            "fsxn fpolicy status",
            "500",
        ),
        *(
            Proof(f"access-point-{check}", "monitor-denied", "access-point", ACCESS_POINT, name)
            for check, name in (("get", "S3APGet"), ("list", "S3APList"), ("probe", "S3APProbe"))
        ),
        Proof("expansion-failed", "growths", "expansion-failed", "fsxn expansion list", "failed"),
        Proof(
            "guardrail-blocked",
            "growths",
            "guardrail-blocked",
            "fsxn guardrails history --type file_system_grow --since 1d",
            "denied",
        ),
        Proof(
            "guardrail-bypassed",
            "growths",
            "guardrail-bypassed",
            "fsxn guardrails history --type BREAK_GLASS",
            "alarm test",
        ),
        Proof(
            "guardrail-grant-missing",
            "growths",
            "guardrail-grant-missing",
            "fsxn guardrails status",
            "no live grant",
        ),
        Proof(
            "guardrail-store-errors",
            "growths",
            "guardrail-store-errors",
            STORE_UNAVAILABLE,
            "aws_denied",
        ),
        Proof(
            "rename-watcher-suspicious",
            "ransomware",
            "rename-watcher",
            "fsxn lineage show --workload <workload> --since 1h",
            "suspicious",
            (("<workload>", "rename-watcher"),),
        ),
        Proof(
            "fpolicy-malformed-frames",
            "stranger",
            "fpolicy-malformed-frames",
            SERVER_LOG.format('"peer.failed"'),
            "peer.failed.*bad_frame",
        ),
        Proof(
            "fpolicy-ems-alerts",
            "trouble-at-ontap",
            "fpolicy-ems-alerts",
            RECONCILER_LOG.format('"ems.alert"'),
            "eagain.disconnect",
        ),
        Proof(
            "fpolicy-connections",
            "no-server",
            "fpolicy-connections",
            "aws ecs describe-services --cluster <prefix>-fpolicy --services <prefix>-fpolicy",
            '"runningCount": 0',
        ),
        Proof(
            "fpolicy-store-filling",
            "no-server",
            "fpolicy-store-filling",
            "fsxn fpolicy status",
            r"(9\d|100)\S* % used",
        ),
        Proof(
            "fpolicy-store-nearly-full",
            "no-server",
            "fpolicy-store-filling",
            "fsxn fpolicy status",
            r"(9\d|100)\S* % used",
        ),
        Proof(
            "fpolicy-store-dropping",
            "no-server",
            "fpolicy-store-dropping",
            RECONCILER_LOG.format('"store.full"'),
            "store.full",
        ),
        Proof("rotation-failed", "password-refused", "rotation-failed", "fsxn rotation status", "setSecret:"),
    )
}

_WAITING = "a message would have to wait for {}"
_NO_LOAD = "nobody measures the load of a task here"
# Those that no run of tests/local/test_alarms.py raises, with the reason.
NOT_INJECTED: Mapping[str, str] = {
    "access-point-disrupted": "the simulated FSx has no throughput updates",
    **{
        f"{workload}-{alarm}": _WAITING.format(time)
        for workload in WORKLOADS
        for alarm, time in (("work-age", "15 minutes"), ("work-expiring", "ten days"))
    },
    "days-until-full": "the demo forecasts a simulated month, and it is told (tests/local/test_capacity.py)",
    "diagnose-errors": "as of the other functions; only people call this one",
    "diagnose-throttles": "as of the other functions; only people call this one",
    "expansion-ssd": "the demo fills the tier, and the growth follows (tests/local/test_capacity.py)",
    "expansion-volume-vol1": "the demo fills the volume, and it grows (tests/local/test_capacity.py)",
    "fpolicy-backlog": "8,000 events would have to wait in the server",
    "fpolicy-certificate": "there is no TLS between ONTAP and the server here",
    "fpolicy-cpu": _NO_LOAD,
    "fpolicy-memory": _NO_LOAD,
    "fpolicy-reads-paused": "10,000 events would have to wait in the server",
    "fpolicy-reconcile-unguarded": "ten policies would have to be enabled on one SVM",
    "fpolicy-undelivered": "the queue would have to be away for the shutdown deadline of 100 s",
    "fpolicy-unresolved-names": "the reconciler keeps the volume map fresh",
    "fpolicy-volume-map": "the reconciler keeps the volume map readable",
    "ingestion-dead-letters": "a message would have to be received five times, 361 s apart",
    "pipeline-down": "made of other alarms: tests/local/test_alarms.py works its rule out by their states",
    "rotation-unfinished": "a rotation would have to be open for two hours",
    "slo-reconnect-time": "tests/local/test_objectives.py does it, by the clock",
    "slo-replay-completion": "a replay would have to last for five minutes",
}


def document() -> str:
    """Write the table for readers: rows with the same failure and command are one."""
    rows: dict[tuple[str, str], list[str]] = {}
    for proof in PROOFS.values():
        rows.setdefault((proof.failure, proof.command), []).append(proof.alarm)
    lines = [HEAD.format(proven=len(PROOFS), all=len(PROOFS) + len(NOT_INJECTED))]
    lines += ["| alarms | failure | first command of the runbook | what ends it |", "|---|---|---|---|"]
    for (name, command), alarms in rows.items():
        failure = FAILURES[name]
        shown = f"`{command}`".replace("|", "\\|")
        lines.append(f"| {_listed(alarms)} | {failure.done} | {shown} | {failure.ended} |")
    lines += ["", "## Not raised there", "", "| alarm | why |", "|---|---|"]
    reasons: dict[str, list[str]] = {}
    for alarm, reason in NOT_INJECTED.items():
        reasons.setdefault(reason, []).append(alarm)
    lines += [f"| {_listed(alarms)} | {reason} |" for reason, alarms in reasons.items()]
    return "\n".join(lines) + "\n"


def _listed(alarms: list[str]) -> str:
    return ", ".join(f"`{alarm}`" for alarm in alarms)


HEAD = """# Which alarms a run has raised

`tests/local/test_alarms.py` makes failures in the laboratory, with `envs/local` as Terraform applied it. For
{proven} of its {all} alarms it sees: all is well and the alarm is OK; with the failure the metric moves, and
by the deployed rule (statistic, threshold, periods, missing data) the alarm is raised; its runbook's first
command shows the cause; after the fix the alarm is OK again. The values are those that were really published.
The rules are CloudWatch's in `fsxn_runtime.slo.alarm_rules`, because the local AWS has others. Time is
compressed: a look stands for a period. What an alarm does by the clock, and in silence, is in
`tests/terraform/test_alarm_semantics.py`.

Names are without the prefix. `aws` commands are run from the same service models as the AWS CLI's.
"""

if __name__ == "__main__":
    DOCUMENT.write_text(document())
