"""The pilot: which operations settle what nobody knows of ONTAP, and what their events say. Pure.

The questions are those of docs/wire/open-questions.md. A question that was not settled says so, and how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fsxn_runtime.events import parse_timestamp

AWAY_FILES: Final = 12  # six for each of two nodes: a shuffled replay is not in order by chance
NOT_SEEN: Final = "not seen"  # the script settles it, and did not
_NOT_ASKED: Final = "not run"
_OTHERS: Final = {
    "Does ONTAP connect through a load balancer?": (
        "point a test engine at a network load balancer's address; look at `fpolicy show-engine` and at the "
        "server's log for the peer's address"
    ),
    "Which type of CA certificate does FPolicy verify servers by?": (
        "an engine with server_auth, reconciler.ca_certificate_type one after the other"
    ),
    "What does a node do while back pressure is applied?": (
        "take sqs:SendMessage from the task role under load, and compare ledger and events afterwards"
    ),
    "What follows when a server that has read dies without warning?": (
        "fsxn events storm while a task is stopped by its host, then fsxn events verify"
    ),
    "Which bytes does the protobuf format use?": "server_settings.capture, then fpolicy-server inspect",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A file that was created: its path below the volume's root, and when by this machine's clock."""

    path: str
    at_us: int
    is_away: bool  # no server was there


@dataclass(frozen=True, slots=True)
class PilotRun:
    """What was done, and what came of it. `events`: as on the bus; `back_us`: the server was asked back."""

    operations: tuple[Operation, ...]
    events: tuple[Mapping[str, Any], ...]
    junction_path: str
    path_root: str  # the server's setting: volume or namespace
    back_us: int
    connected_us: int  # the first moment at which ECS said that it runs again


@dataclass(frozen=True, slots=True)
class Answer:
    """One question: what was seen, "not seen" or "not run"; and how to settle it otherwise."""

    question: str
    answer: str
    evidence: tuple[str, ...] = ()
    how: str = ""


def script(folder: str) -> tuple[str, ...]:
    """Say what a run does, in order."""
    return (
        f"make the folder {folder} in the volume, and one file in it: where do paths begin?",
        "scale the FPolicy server to 0: nothing is lost as long as the Persistent Store has room",
        f"make {AWAY_FILES} files while no server is there",
        "scale the server back and wait for it",
        "take the events of these files out of the queue: do replayed ones keep their time and their order?",
        "read ONTAP's messages and certificates of the time, through the function in the VPC",
        "remove the folder, and write the result",
    )


def conclude(run: PilotRun) -> list[Answer]:
    """Answer what the run can answer. Only the creations of its own files count."""
    mine = _by_operation(run)
    return [
        _path_root(run, mine),
        _kept(run, mine),
        _replay_time(run, mine),
        _replay_order(run, mine),
        _stamps(mine),
        _reconnect(run, mine),
        *(Answer(question, _NOT_ASKED, (), how) for question, how in _OTHERS.items()),
    ]


Found = Mapping[str, Sequence[Mapping[str, Any]]]


def _by_operation(run: PilotRun) -> Found:
    """Give the events of each file, by its path below the volume's root, however the path begins."""
    found: dict[str, list[Mapping[str, Any]]] = {each.path: [] for each in run.operations}
    for event in run.events:
        for path in found:
            if event["event_type"] == "FILE_CREATE" and event["file_path"].endswith(path):
                found[path].append(event)
    return found


def _path_root(run: PilotRun, mine: Found) -> Answer:
    question = "Does a path begin at the volume's root or at the namespace's?"
    junction = "" if run.junction_path == "/" else run.junction_path
    # What the server makes of a name on the wire, by its setting: fpolicy-server/README.md.
    meant = {"volume": junction, "namespace": ""}[run.path_root]
    says = {f"{meant}{path}": "volume" for path in mine}
    says |= {f"{meant}{junction}{path}": "namespace" for path in mine}
    seen = sorted({says.get(event["file_path"], "neither") for events in mine.values() for event in events})
    if not junction or not seen:
        return Answer(question, NOT_SEEN, (), "a volume that is mounted below /")
    shown = next(event["file_path"] for events in mine.values() for event in events)
    return Answer(question, " and ".join(seen), (f"{shown}, with path_root {run.path_root}",))


def _away(run: PilotRun, mine: Found) -> list[tuple[Operation, Mapping[str, Any]]]:
    """Give each operation without a server with its first event, in the order of the operations."""
    return [(each, mine[each.path][0]) for each in run.operations if each.is_away and mine[each.path]]


def _kept(run: PilotRun, mine: Found) -> Answer:
    wanted = sum(each.is_away for each in run.operations)
    seen = len(_away(run, mine))
    twice = sum(len(events) > 1 for events in mine.values())
    return Answer(
        "Does the Persistent Store keep what happens while no server is there?",
        f"{seen} of {wanted}",
        (f"{twice} files were told of more than once",),
    )


def _replay_time(run: PilotRun, mine: Found) -> Answer:
    """The clocks may differ: by how much, the file that was told live says."""
    question = "Does a replayed event keep its original time?"
    live = [(each, mine[each.path][0]) for each in run.operations if not each.is_away and mine[each.path]]
    away = _away(run, mine)
    if not live or not away:
        return Answer(question, NOT_SEEN, (), "a Persistent Store, and a policy that is connected")
    ahead = min(parse_timestamp(event["timestamp"]) - each.at_us for each, event in live)
    stamps = [parse_timestamp(event["timestamp"]) - ahead for _, event in away]
    kept = sum(stamp < run.back_us for stamp in stamps)
    answer = {len(stamps): "original", 0: "replay"}.get(kept, "some do")
    return Answer(question, answer, (f"{kept} of {len(stamps)} are from before the server was back",))


def _replay_order(run: PilotRun, mine: Found) -> Answer:
    """A session numbers its requests in the order of sending; between sessions there is no order."""
    sessions: dict[str, list[tuple[int, int]]] = {}
    for number, (_, event) in enumerate(_away(run, mine)):
        sessions.setdefault(event["session_id"], []).append((event["sequence_number"], number))
    orders = [[number for _, number in sorted(pairs)] for pairs in sessions.values() if len(pairs) > 1]
    question = "In which order are stored events replayed?"
    if not orders:
        return Answer(question, NOT_SEEN, (), "more files while the server is away")
    answer = "in order" if all(order == sorted(order) for order in orders) else "not in order"
    return Answer(question, answer, tuple(" ".join(str(number + 1) for number in order) for order in orders))


def _stamps(mine: Found) -> Answer:
    question = "Do two policies stamp one operation alike?"
    pairs = [events for events in mine.values() if len({event["policy_name"] for event in events}) > 1]
    if not pairs:
        how = "create files while the guard stands in: aws ecs update-service --force-new-deployment"
        return Answer(question, _NOT_ASKED, (), how)
    alike = sum(len({event["timestamp"] for event in events}) == 1 for events in pairs)
    answer = {len(pairs): "same", 0: "own"}.get(alike, "some alike")
    return Answer(question, answer, (f"{alike} of {len(pairs)} operations have one time",))


def _reconnect(run: PilotRun, mine: Found) -> Answer:
    question = "How long until a node is back after the server is?"
    came = [parse_timestamp(event["received_at"]) for _, event in _away(run, mine)]
    if not came:
        return Answer(question, NOT_SEEN, (), "fsxn fpolicy status, after the server is back")
    seconds = max(0.0, (min(came) - run.connected_us) / 1_000_000)
    return Answer(question, f"{seconds:.0f} s to the first replayed event", ())


def result(
    answers: Iterable[Answer], run: PilotRun, ontap: Mapping[str, Any], began: str, ended: str
) -> dict[str, Any]:
    """Give the result file: the answers, what ONTAP said, and the events that they rest on."""
    parts = ontap.get("parts", {})
    return {
        "schema_version": "1.0",
        "began": began,
        "ended": ended,
        "system": parts.get("cluster", {}),
        "answers": [
            {"question": a.question, "answer": a.answer, "evidence": list(a.evidence), "how": a.how}
            for a in answers
        ],
        "messages": parts.get("messages", []),
        "certificates": parts.get("certificates", []),
        "not_read": ontap.get("errors", {}),
        "operations": [{"path": o.path, "at_us": o.at_us, "is_away": o.is_away} for o in run.operations],
        "events": list(run.events),
    }
