"""How much of each service a period uses: traffic and configuration in, counted quantities out. Pure.

What one file version needs is counted from the code, not assumed: `make bench` (part `workload`) runs the
shipped handlers and state machine and counts calls, write units and state transitions.
Each formula is the sum that gives the amount, with words beside its numbers: a test does every sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from fsxn_runtime.cost.model import (
    ONE,
    SHARED,
    ZERO,
    Configuration,
    Mapped,
    Profile,
    Quantity,
    WorkloadConfiguration,
    WorkloadTraffic,
    plain,
)

# Of the shipped state machine: start, Process, end. Step Functions charges each.
TRANSITIONS: Final = Decimal(3)
# Write units (1 KB each, indexes included) of the state item, with paths below 100 characters. While it is
# open, with its execution's input, it has 2 KB in table and index each; closed 1 KB.
OPEN_UNITS: Final = Decimal(4)
CLOSE_UNITS: Final = Decimal(5)  # the table's 2, and the index's entry moves: 2 away, 1 anew
RETRY_UNITS: Final = Decimal(6)  # the table's 2, and the index's entry moves: 2 away, 2 anew
SUPERSEDED_UNITS: Final = Decimal(2)
# A further notification: a refused write and a count. While the item is open 2 and 4; afterwards half of it.
DUPLICATE_UNITS: Final = Decimal(6)
# What SQS and Lambda do (their guides): messages of one call, pollers that wait 20 s each for messages.
CALL_MESSAGES: Final = Decimal(10)
POLLERS: Final = Decimal(5)
POLLS_PER_HOUR: Final = Decimal(180)
LIST_KEYS: Final = Decimal(1000)  # of one ListObjectsV2
CHUNK_BYTES: Final = Decimal(65536)  # SQS and EventBridge charge each 64 KB as one
GB: Final = Decimal(1_000_000_000)
GIB_MB: Final = Decimal(1024)
MONTH_HOURS: Final = Decimal(730)
MONTH_DAYS: Final = Decimal("30.4")


@dataclass(frozen=True, slots=True)
class Flow:
    """What one workload's traffic comes to in the period."""

    name: str
    traffic: WorkloadTraffic
    configuration: WorkloadConfiguration
    events: Decimal  # delivered to its queue, replayed ones included
    versions: Decimal
    executions: Decimal  # started attempts
    batch: Decimal  # messages of one call of the starter

    @property
    def superseded(self) -> Decimal:
        """Versions that were gone when the starter looked."""
        return self.versions * (ONE - self.traffic.final_share)

    @property
    def duplicates(self) -> Decimal:
        """Notifications beyond the first of a version."""
        return self.events - self.versions

    @property
    def resettles(self) -> Decimal:
        """Messages that waited once more."""
        return self.versions * self.traffic.resettles_per_version

    @property
    def messages(self) -> Decimal:
        """Messages that the starter takes."""
        return self.events + self.resettles


def quantities(profile: Profile, configuration: Configuration) -> list[Quantity]:
    """Give every quantity that has a price, those of no amount left out."""
    flows = [flow(name, profile, configuration) for name in profile.workloads]
    found = [*_path(profile, configuration)]
    for each in flows:
        found += _workload(each, profile, configuration)
    found += _functions_by_clock(profile, configuration)
    found += _idle_queues(profile, configuration)
    found += _standing(profile, configuration)
    found += _logs(found, profile)
    return [quantity for quantity in found if quantity.amount != ZERO]


def flow(name: str, profile: Profile, configuration: Configuration) -> Flow:
    """Work out one workload's traffic."""
    traffic = profile.workloads[name]
    deployed = configuration.workloads.get(name, WorkloadConfiguration())
    told = profile.events * traffic.event_share
    versions = told / traffic.events_per_version
    kept = versions * traffic.final_share
    return Flow(
        name=name,
        traffic=traffic,
        configuration=deployed,
        events=told * (ONE + profile.replayed_share),
        versions=versions,
        executions=kept * (ONE + traffic.retries_per_version),
        batch=batch(deployed.starter, profile.busy_events_per_second * traffic.event_share),
    )


def batch(mapped: Mapped, per_second: Decimal) -> Decimal:
    """Messages of one batch: the first, and what comes while Lambda waits for more, up to the limit."""
    return min(mapped.batch_size, ONE + per_second * mapped.window_seconds)


def _path(profile: Profile, configuration: Configuration) -> Iterator[Quantity]:
    """The way from the server to the bus, which all workloads share."""
    events = profile.events * (ONE + profile.replayed_share)
    told = f"{_n(profile.events)} events x (1 + {_n(profile.replayed_share)} replayed)"
    chunks = (profile.event_bytes / CHUNK_BYTES).to_integral_value(ROUND_CEILING)
    rate = profile.busy_events_per_second / max(configuration.server_tasks, ONE)
    sent = min(CALL_MESSAGES, ONE + rate * configuration.linger_seconds)
    routed = batch(configuration.router, profile.busy_events_per_second)
    read = min(CALL_MESSAGES, routed)
    requests = events * chunks
    yield Quantity(
        "SQS requests, server to queue",
        SHARED,
        requests / sent,
        "request",
        f"{told} / {_n(sent)} in a batch x {_n(chunks)} chunks",
        "sqs.request",
    )
    yield Quantity(
        "SQS requests, queue to router",
        SHARED,
        2 * requests / read,
        "request",
        f"{told} x 2 calls / {_n(read)} in a batch x {_n(chunks)} chunks",
        "sqs.request",
    )
    calls = events / routed
    yield from _function(
        "router",
        SHARED,
        calls,
        f"{told} / {_n(routed)} in a batch",
        profile.route_seconds_per_event * routed,
        configuration.router_memory_mb,
        configuration.architecture,
    )
    yield Quantity(
        "EventBridge events",
        SHARED,
        events * chunks,
        "event",
        f"{told} x {_n(chunks)} chunks",
        "eventbridge.event",
    )
    stored = events * profile.event_bytes / GB
    sized = f"{told} x {_n(profile.event_bytes)} bytes / 1,000,000,000"
    yield Quantity("EventBridge archive, written", SHARED, stored, "GB", sized, "eventbridge.archive_gb")
    held = stored * (MONTH_HOURS / profile.hours) * configuration.archive_days / MONTH_DAYS
    yield Quantity(
        "EventBridge archive, stored",
        SHARED,
        held * profile.hours / MONTH_HOURS,
        "GB-month",
        f"{sized} x {_n(configuration.archive_days)} / {_n(MONTH_DAYS)} days",
        "eventbridge.archive_gb_month",
    )


def _workload(flow: Flow, profile: Profile, configuration: Configuration) -> Iterator[Quantity]:
    """What one workload does with its events."""
    name, traffic, deployed = flow.name, flow.traffic, flow.configuration
    chunks = (profile.event_bytes / CHUNK_BYTES).to_integral_value(ROUND_CEILING)
    messages = f"{_n(flow.messages)} messages"
    runs = f"{_n(flow.executions)} executions"
    read = min(CALL_MESSAGES, flow.batch)
    read_share = ONE - traffic.delete_share
    yield Quantity(
        "SQS requests, work queue",
        name,
        chunks * (flow.messages + 2 * flow.messages / read),
        "request",
        f"{messages} x (1 send + 2 calls / {_n(read)} in a batch) x {_n(chunks)} chunks",
        "sqs.request",
    )
    yield from _function(
        "starter",
        name,
        flow.messages / flow.batch,
        f"{messages} / {_n(flow.batch)} in a batch",
        profile.start_seconds_per_message * flow.batch,
        deployed.starter_memory_mb,
        configuration.architecture,
    )
    yield Quantity(
        "Step Functions state transitions",
        name,
        flow.executions * TRANSITIONS,
        "transition",
        f"{runs} x {_n(TRANSITIONS)} transitions",
        "stepfunctions.transition",
    )
    memory = deployed.process_memory_mb or traffic.process_memory_mb
    yield from _function(
        "process", name, flow.executions, runs, traffic.process_seconds, memory, configuration.architecture
    )
    yield from _function(
        "finisher",
        name,
        flow.executions,
        runs,
        profile.finish_seconds,
        deployed.finisher_memory_mb,
        configuration.architecture,
    )
    kept = flow.versions - flow.superseded
    retried = flow.executions - kept
    yield Quantity(
        "DynamoDB write units, state",
        name,
        kept * (OPEN_UNITS + CLOSE_UNITS)
        + retried * RETRY_UNITS
        + flow.superseded * SUPERSEDED_UNITS
        + flow.duplicates * DUPLICATE_UNITS,
        "write unit",
        f"{_n(kept)} versions x ({_n(OPEN_UNITS)} open + {_n(CLOSE_UNITS)} close)"
        + _more(retried, "retries", RETRY_UNITS)
        + _more(flow.superseded, "superseded", SUPERSEDED_UNITS)
        + _more(flow.duplicates, "further notifications", DUPLICATE_UNITS),
        "dynamodb.write_unit",
    )
    yield Quantity(
        "DynamoDB write units, process",
        name,
        flow.executions * traffic.process_write_units,
        "write unit",
        f"{runs} x {_n(traffic.process_write_units)}",
        "dynamodb.write_unit",
    )
    yield Quantity("DynamoDB read units", name, flow.executions, "read unit", runs, "dynamodb.read_unit")
    yield Quantity(
        "S3 reads",
        name,
        (flow.messages + flow.executions * traffic.process_reads) * read_share + flow.superseded,
        "request",
        f"({messages} x 1 HEAD + {runs} x {_n(traffic.process_reads)}) x {_n(read_share)} not deleted"
        + _more(flow.superseded, "superseded", ONE),
        "s3.read",
    )
    yield Quantity(
        "S3 writes",
        name,
        flow.executions * traffic.process_puts,
        "request",
        f"{runs} x {_n(traffic.process_puts)}",
        "s3.write",
    )
    lists = (traffic.listed_files / LIST_KEYS).to_integral_value(ROUND_CEILING)
    yield Quantity(
        "S3 lists, polling",
        name,
        profile.hours * deployed.polls_per_hour * lists,
        "request",
        f"{_n(profile.hours)} hours x {_n(deployed.polls_per_hour)} runs x {_n(lists)} pages",
        "s3.write",
        by_traffic=False,
    )


def _more(amount: Decimal, what: str, units: Decimal) -> str:
    return f" + {_n(amount)} {what} x {_n(units)}" if amount else ""


def _function(
    role: str,
    workload: str,
    calls: Decimal,
    formula: str,
    seconds: Decimal,
    memory_mb: Decimal,
    architecture: str,
    by_traffic: bool = True,
) -> Iterator[Quantity]:
    """Invocations of one function, and the memory that it holds meanwhile."""
    yield Quantity(
        f"Lambda invocations, {role}", workload, calls, "request", formula, "lambda.request", by_traffic
    )
    yield Quantity(
        f"Lambda GB-seconds, {role}",
        workload,
        calls * seconds * memory_mb / GIB_MB,
        "GB-second",
        f"{formula} x {_n(seconds)} s x {_n(memory_mb)} / 1,024",
        f"lambda.gb_second.{architecture}",
        by_traffic,
    )


def _functions_by_clock(profile: Profile, configuration: Configuration) -> Iterator[Quantity]:
    """Functions that a schedule runs, whatever the traffic."""
    for name in sorted({each.workload for each in configuration.scheduled}):
        mine = [each for each in configuration.scheduled if each.workload == name]
        runs = sum((each.runs_per_hour for each in mine), ZERO)
        held = sum((each.runs_per_hour * each.memory_mb for each in mine), ZERO) / runs
        yield from _function(
            "by schedule",
            name,
            profile.hours * runs,
            f"{_n(profile.hours)} hours x {_n(runs)} runs",
            profile.scheduled_seconds,
            held,
            configuration.architecture,
            by_traffic=False,
        )
    yield Quantity(
        "Synthetics canary runs",
        SHARED,
        profile.hours * configuration.canary_runs_per_hour,
        "run",
        f"{_n(profile.hours)} hours x {_n(configuration.canary_runs_per_hour)} runs",
        "synthetics.run",
        by_traffic=False,
    )


def _idle_queues(profile: Profile, configuration: Configuration) -> Iterator[Quantity]:
    """Lambda asks each queue for messages also when there are none: an upper bound, as if there were none."""
    for name in [SHARED, *configuration.workloads]:
        yield Quantity(
            "SQS requests, waiting",
            name,
            profile.hours * POLLERS * POLLS_PER_HOUR,
            "request",
            f"{_n(profile.hours)} hours x {_n(POLLERS)} pollers x {_n(POLLS_PER_HOUR)} long polls",
            "sqs.request",
            by_traffic=False,
        )


def _standing(profile: Profile, configuration: Configuration) -> Iterator[Quantity]:
    """What costs by being there."""
    for each in configuration.standing:
        hours = profile.hours if each.hourly else profile.hours / MONTH_HOURS
        unit = "hour" if each.hourly else "month"
        yield Quantity(
            each.name,
            each.workload,
            each.count * hours,
            unit,
            f"{_n(each.count)} x {_n(hours)} {unit}s",
            each.price,
            by_traffic=False,
        )


def _logs(found: list[Quantity], profile: Profile) -> Iterator[Quantity]:
    """What the functions log, by workload. The server's lines are not in it."""
    calls = [each for each in found if each.price == "lambda.request"]
    for name in dict.fromkeys(each.workload for each in calls):
        for by_traffic in (True, False):
            mine = [each.amount for each in calls if each.workload == name and each.by_traffic is by_traffic]
            amount = sum(mine, ZERO)
            what = "of files" if by_traffic else "by schedule"
            yield Quantity(
                f"Log data, invocations {what}",
                name,
                amount * profile.log_bytes_per_invocation / GB,
                "GB",
                f"{_n(amount)} invocations x {_n(profile.log_bytes_per_invocation)} bytes / 1,000,000,000",
                "logs.gb",
                by_traffic,
            )


def _n(number: Decimal) -> str:
    """Write a number for people: at most four places."""
    rounded = number.quantize(Decimal("0.0001"))
    text = plain(rounded or number)
    whole, dot, places = text.partition(".")
    return f"{int(whole):,}{dot}{places}"
