"""TLS between node and server: real sockets, real certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fpolicy_server import statistics
from fpolicy_server.main import main
from fpolicy_server.settings import Settings
from fsxn_runtime.errors import MisconfiguredError

from tests.server.bench import Bench, bench
from tests.server.frames import golden, handshake, notification
from tests.support.certificates import Authority, Pair, key_pem

CA = Authority()
SERVER = CA.sign("fpolicy-server")
CLIENT = CA.sign("svm1")
STRANGER = Authority("another CA").sign("svm1")


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def tls(pair: Pair = SERVER, client_ca: str = "") -> dict[str, str]:
    return {
        "FPOLICY_TLS_CERT": pair.certificate,
        "FPOLICY_TLS_KEY": pair.key,
        "FPOLICY_TLS_CLIENT_CA": client_ca,
    }


def node_context(tmp_path: Path, own: Pair | None = None, trusted: str = CA.certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=trusted)
    if own:
        path = tmp_path / "node.pem"
        path.write_text(own.certificate + own.key)
        context.load_cert_chain(path)
    return context


async def dial(
    running: Bench, context: ssl.SSLContext, first: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port, ssl=context)
    writer.write(first)
    return reader, writer


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_events_arrive_over_both_versions_and_shutdown_tells_the_end(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    """2,000 notifications in one stream; then the server drains and the node reads a clean end."""

    async def scenario() -> None:
        context = node_context(tmp_path)
        context.minimum_version = context.maximum_version = version
        async with bench(**tls()) as running:
            reader, writer = await dial(running, context, handshake())
            assert await reader.readexactly(356) == golden("handshake_response")
            for number in range(2000):
                writer.write(notification(number, path=f"/{number}"))
            await running.until(lambda: len(running.queue.accepted) == 2000)
            draining = asyncio.create_task(running.server.drain())
            await reader.read()  # back pressure, then close_notify; a cut would raise
            writer.close()
            await draining
        assert sorted(running.paths()) == sorted(f"/vol1/{number}" for number in range(2000))

    run(scenario)


def test_a_capture_has_what_the_node_said_and_not_its_tls(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(**tls(), FPOLICY_CAPTURE_DIR=str(tmp_path / "captures")) as running:
            reader, writer = await dial(running, node_context(tmp_path), handshake())
            assert await reader.readexactly(356) == golden("handshake_response")
            await running.until(lambda: list((tmp_path / "captures").glob("*.capture")))
            writer.close()
        (file,) = (tmp_path / "captures").iterdir()
        assert file.read_bytes() == handshake()

    run(scenario)


def test_the_servers_certificate_is_one_that_a_node_can_verify(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(**tls()) as running:
            with pytest.raises(ssl.SSLCertVerificationError):
                await dial(running, node_context(tmp_path, trusted=Authority().certificate))
            await running.until(lambda: running.counters.total(statistics.CLOSED) == 1)

    run(scenario)


@pytest.mark.parametrize(("own", "is_let_in"), [(CLIENT, True), (STRANGER, False), (None, False)])
def test_mutual_auth_lets_in_only_what_the_client_ca_signed(
    own: Pair | None, is_let_in: bool, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with bench(**tls(client_ca=CA.certificate)) as running:
            try:
                reader, writer = await dial(running, node_context(tmp_path, own), handshake())
                answer = await reader.read(356)
                writer.close()
            except (ssl.SSLError, ConnectionError):  # TLS 1.3 says it with the first read
                answer = b""
            assert bool(answer) == is_let_in
            if not is_let_in:
                await running.until(lambda: running.counters.total(statistics.MALFORMED) == 1)
            assert running.server.has_had_session == is_let_in

    run(scenario)


def test_a_peer_without_tls_is_refused_and_counted() -> None:
    async def scenario() -> None:
        async with bench(**tls()) as running:
            reader, _ = await running.connect(handshake())
            assert b"NEGO_RESP" not in await reader.read()
            assert running.counters.total(statistics.MALFORMED) == 1

    run(scenario)


def test_a_peer_that_never_ends_its_tls_handshake_is_closed() -> None:
    async def scenario() -> None:
        async with bench(**tls(), FPOLICY_HANDSHAKE_TIMEOUT_SECONDS="1") as running:
            reader, _ = await running.connect(b"\x16\x03\x01\x02\x00\x01")
            assert await reader.read() == b""

    run(scenario)


def test_a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not(tmp_path: Path) -> None:
    """Three connections: the first certificate, the second, and after a broken file still the second."""
    files = {name: tmp_path / name for name in ("cert", "key")}

    def write(pair: Pair) -> None:
        for name, content in (("cert", pair.certificate), ("key", pair.key)):
            fresh = tmp_path / "fresh"
            fresh.write_text(content)
            fresh.replace(files[name])

    async def subject(running: Bench) -> str:
        _, writer = await dial(running, node_context(tmp_path))
        found = writer.get_extra_info("peercert")["subject"][0][0][1]
        writer.close()
        return str(found)

    async def scenario() -> None:
        write(CA.sign("first"))
        settings = {"FPOLICY_TLS_CERT": str(files["cert"]), "FPOLICY_TLS_KEY": str(files["key"])}
        async with bench(**settings) as running:
            assert await subject(running) == "first"
            write(CA.sign("second"))
            async with asyncio.timeout(20):
                while await subject(running) != "second":
                    await asyncio.sleep(0.1)
            files["cert"].write_text("nonsense")
            await running.until(lambda: running.counters.total(statistics.CERTIFICATE_FAILURES))
            assert await subject(running) == "second"

    run(scenario)


BASE = {"SQS_QUEUE_URL": "https://queue", "FPOLICY_QUARANTINE_URL": "https://quarantine"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"FPOLICY_TLS_KEY": ""}, "must be set together"),
        ({"FPOLICY_TLS_CERT": ""}, "must be set together"),
        ({"FPOLICY_TLS_CERT": "/nowhere"}, "FPOLICY_TLS_CERT and FPOLICY_TLS_KEY cannot be used"),
        ({"FPOLICY_TLS_KEY": CLIENT.key}, "KEY_VALUES_MISMATCH"),
        (
            {"FPOLICY_TLS_KEY": key_pem(ec.generate_private_key(ec.SECP256R1()), b"pw")},
            "the key is encrypted",
        ),
        ({"FPOLICY_TLS_CLIENT_CA": "/nowhere"}, "FPOLICY_TLS_CLIENT_CA cannot be used"),
    ],
)
def test_what_cannot_be_used_is_one_line_at_the_check_and_never_shows_a_key(
    changed: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {**BASE, **tls(), **changed}.items():
        monkeypatch.setenv(name, value)
    assert main(["--check"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
    assert "PRIVATE" not in error


def test_a_client_ca_alone_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="needs both"):
        Settings.from_env({**BASE, "FPOLICY_TLS_CLIENT_CA": CA.certificate})
