"""What reading each kind of notification costs the server: from a frame's payload to the queue's text.

One frame of each of the 27 request types (tests/data/wire/types). Processor time of this process, the best of
some rounds, beside lxml parsing the same two documents and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from fpolicy_server.session import event_body
from fpolicy_server.translate import PathRoot, SessionFacts, translate
from fpolicy_server.volumes import Volume, VolumeMap
from fpolicy_server.wire import codec
from lxml import etree

from tools.bench.figures import Figure
from tools.bench.nodes import MSID, SVM_UUID

FRAMES: Final = Path(__file__).resolve().parents[2] / "tests" / "data" / "wire" / "types"
QUOTED_HEAD: Final = 6  # quote, four bytes of length, quote
TIMES: Final = 1000
ROUNDS: Final = 5
MAP: Final = VolumeMap({(SVM_UUID, MSID): Volume("svm1", "vol1", b"/vol1")}, {SVM_UUID: "svm1"})
SESSION: Final = SessionFacts(SVM_UUID, "bench", "session", began_at_us=1_763_900_000_000_000)
RECEIVED_US: Final = 1_763_900_000_500_000

Json = dict[str, Any]


def measure() -> Json:
    """Measure every request type."""
    return {path.stem: costs(path.read_bytes()[QUOTED_HEAD:]) for path in sorted(FRAMES.glob("*.frame"))}


def costs(payload: bytes) -> Json:
    """Microseconds of one payload, ours and lxml's, in turn."""
    header, body = codec.split(payload)
    taken = [(spent(lambda: lxml_alone(header, body)), spent(lambda: read(payload))) for _ in range(ROUNDS)]
    alone, ours = (min(each[place] for each in taken) for place in (0, 1))
    return {"us": round(ours, 1), "lxml_us": round(alone, 1), "ratio": round(alone / ours, 3)}


def read(payload: bytes) -> bytes:
    """Make the queue's text of a notification."""
    header, body = codec.split(payload)
    codec.decode_header(header)
    event = translate(codec.decode_notification(body), SESSION, MAP, PathRoot.VOLUME, RECEIVED_US).event
    text: bytes = event_body(event.to_dict())
    return text


def lxml_alone(header: bytes, body: bytes) -> None:
    """Parse both documents, and look at nothing."""
    etree.fromstring(header)
    etree.fromstring(body)


def spent(once: Callable[[], object]) -> float:
    """Microseconds of processor time for one time of TIMES."""
    began = time.process_time()
    for _ in range(TIMES):
        once()
    return (time.process_time() - began) * 1e6 / TIMES


def failures(_found: Json) -> list[str]:
    """Nothing here must be so on any machine."""
    return []


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    yield f"{'one notification, frame to text':<34}{'us of CPU':>12}{'lxml alone':>12}{'to lxml':>12}"
    for name, each in found.items():
        yield f"  {name:<32}{each['us']:>12.1f}{each['lxml_us']:>12.1f}{each['ratio']:>12.2f}"


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    for name, each in found.items():
        yield Figure("one notification read, us of CPU", name, each["us"], "lxml alone", each["lxml_us"])
