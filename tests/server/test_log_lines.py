"""Nothing that a peer sends can end, imitate or hide a log line, and paths appear at DEBUG only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

import pytest
from fsxn_runtime.edge.log import set_level

from tests.server.bench import Bench, bench, run
from tests.server.frames import handshake, message, notification

# What could matter to a terminal, a log agent or an EMF reader, with a marker to look for.
NAMES = [
    'MARK\n{"level":"ERROR","event":"forged"}',
    "MARK\r\nforged",
    "MARK\u2028forged\u2029\x85forged",
    'MARK","event":"forged","x":"',
    'MARK\\","_aws":{}',
    "MARK\u202eforged",
    'MARK{"_aws":{"CloudWatchMetrics":[]}}',
    "MARK${jndi:ldap://forged}%s{0}",
]


@pytest.fixture
def debug() -> Iterator[None]:
    set_level("DEBUG")
    yield
    set_level("INFO")


def lines(captured: str) -> list[dict[str, Any]]:
    """Every line as JSON. That each is one is the point."""
    assert captured.isascii()
    found = [json.loads(line) for line in captured.split("\n") if line]
    assert found and all({"time", "level", "event", "capability"} <= line.keys() for line in found)
    assert "forged" not in {line["event"] for line in found}
    assert not any("_aws" in line for line in found)
    return found


def everything_with(name: str) -> bytes:
    """Every message that can carry a name, readable and not."""
    text = escape(name)
    alert = f"<Alert><Severity>{text}</Severity><AlertMsg>{text}</AlertMsg></Alert>"
    change = f"<VolNotf><VolMsid>1</VolMsid><Action>{text}</Action></VolNotf>"
    outage = f"<Outage><FilePath>//{text}</FilePath><PolicyName>{text}</PolicyName></Outage>"
    cancel = f"<FscreenCancel><ReqId>1</ReqId><CancelReason>{text}</CancelReason></FscreenCancel>"
    others = {"ALERT_MSG": alert, "VOL_NOTFICATION": change, "OUTAGE_MSG": outage, "SCREEN_CANCEL": cancel}
    requests = [
        notification(1, path=f"/{name}"),
        notification(2, path=f"/{name}", msid="none"),
        notification(3, path=f"/{name}", msid=7),
        notification(4, kind=text),
    ]
    told = [message(kind, body.encode()) for kind, body in others.items()]
    return b"".join([*requests, *told, message(text, b"<Novelty/>")])


async def tell(b: Bench, name: str) -> None:
    reader, writer = await b.connect(handshake("2.0"))
    await reader.read(1)
    writer.write(everything_with(name))
    await b.until(lambda: len(b.queue.accepted) == 3 and b.quarantine.accepted)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_cannot_do_anything_to_a_log_line(
    name: str, debug: None, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        async with bench(FPOLICY_MODE="synchronous") as b:
            await tell(b, name)

    run(scenario)
    lines(capsys.readouterr().out)


def test_no_path_is_logged_above_debug(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> None:
        async with bench() as b:
            reader, writer = await b.connect(handshake("2.0"))
            await reader.read(1)
            outage = b"<Outage><FilePath>//secret</FilePath><PolicyName>p</PolicyName></Outage>"
            writer.write(message("OUTAGE_MSG", outage))
            writer.write(notification(1, path="/secret") + notification(2, path="/secret", msid="none"))
            writer.write(notification(3, path="/secret", time="1" * 16, kind="NFS_NEW"))
            await b.until(lambda: len(b.queue.accepted) == 2 and b.quarantine.accepted)

    run(scenario)
    captured = capsys.readouterr().out
    assert {"outage.file", "event.quarantined"} <= {line["event"] for line in lines(captured)}
    assert "secret" not in captured
