from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path

import pytest
from fpolicy_server.settings import Address, Settings, SpoolSettings, health_address
from fpolicy_server.translate import PathRoot
from fpolicy_server.verdict import DenyRule
from fpolicy_server.wire import FramingMode
from fsxn_runtime.errors import MisconfiguredError

from tests.server.protobuf_messages import MAP_FILE
from tests.structure.test_environment_names import names_read_by

REQUIRED = {
    "SQS_QUEUE_URL": "https://sqs.example/queue",
    "FPOLICY_QUARANTINE_URL": "https://sqs.example/quarantine",
}


def test_two_urls_are_enough() -> None:
    settings = Settings.from_env(REQUIRED)
    assert settings.listen == Address("0.0.0.0", 9898)
    assert settings.health_listen == Address("0.0.0.0", 9899)
    assert (settings.max_unacked_events, settings.max_frame_bytes) == (10_000, 1_048_576)
    assert (settings.read_timeout_seconds, settings.shutdown_deadline_seconds) == (300, 100)
    assert settings.path_root is PathRoot.VOLUME
    assert settings.spool is None
    assert (settings.answer_deadline_ms, settings.deny_rules) == (None, ())


def test_a_synchronous_server_has_a_deadline_and_rules() -> None:
    synchronous = {**REQUIRED, "FPOLICY_MODE": "synchronous"}
    assert Settings.from_env(synchronous).answer_deadline_ms == 5000
    settings = Settings.from_env({**synchronous, "FPOLICY_DENY_RULES": '[{"suffix": ".MP3"}]'})
    assert settings.deny_rules == (DenyRule("", ".mp3", 2),)


def test_lists_and_addresses_are_read() -> None:
    settings = Settings.from_env(
        {
            **REQUIRED,
            "FPOLICY_LISTEN": "[::1]:1337",
            "FPOLICY_ALLOWED_POLICIES": "pol0, pol1,",
            "FPOLICY_ALLOWED_PEERS": "10.0.0.0/8, 192.0.2.7",
            "FPOLICY_PATH_ROOT": "namespace",
        }
    )
    assert settings.listen == Address("::1", 1337)
    assert settings.allowed_policies == {"pol0", "pol1"}
    assert settings.allowed_peers == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("192.0.2.7/32"),
    )
    assert settings.path_root is PathRoot.NAMESPACE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SQS_QUEUE_URL", ""),
        ("SQS_QUEUE_URL", "queue"),
        ("FPOLICY_QUARANTINE_URL", ""),
        ("FPOLICY_LISTEN", "9898"),
        ("FPOLICY_LISTEN", "localhost:9898"),
        ("FPOLICY_LISTEN", "0.0.0.0:99999"),
        ("FPOLICY_HEALTH_LISTEN", "0.0.0.0:x"),
        ("FPOLICY_MODE", "mandatory"),
        ("FPOLICY_ANSWER_DEADLINE_MS", "99"),
        ("FPOLICY_DENY_RULES", '[{"suffix": ".mp3"}]'),  # needs the synchronous mode
        ("FPOLICY_DENY_RULES", "{"),
        ("FPOLICY_MAX_FRAME_BYTES", "8192"),
        ("FPOLICY_MAX_UNACKED_EVENTS", "99"),
        ("FPOLICY_HIGH_WATER_PERCENT", "50"),
        ("FPOLICY_LOW_WATER_PERCENT", "80"),
        ("FPOLICY_MAX_CONNECTIONS", "0"),
        ("FPOLICY_RECV_BUFFER_BYTES", "1"),
        ("FPOLICY_HANDSHAKE_TIMEOUT_SECONDS", "0"),
        ("FPOLICY_READ_TIMEOUT_SECONDS", "x"),
        ("FPOLICY_BATCH_LINGER_MS", "-1"),
        ("FPOLICY_EVENTS_PER_MESSAGE", "0"),
        ("FPOLICY_SHUTDOWN_DEADLINE_SECONDS", "116"),
        ("FPOLICY_DRAIN_IDLE_MS", "1"),
        ("FPOLICY_SPOOL_LASTING", "yes"),
        ("FPOLICY_SPOOL_MAX_BYTES", "1000"),
        ("FPOLICY_ALLOWED_PEERS", "10.0.0.1/8"),
        ("PROTOBUF_FRAMING_MODE", "guess"),
        ("FPOLICY_PROTOBUF_FIELD_MAP", "{"),
        ("FPOLICY_PROTOBUF_FIELD_MAP", "/nowhere/map.json"),
        ("FPOLICY_PROTOBUF_FIELD_MAP", MAP_FILE.read_text()),  # needs a framing mode
        ("FPOLICY_PATH_ROOT", "root"),
        ("FPOLICY_VOLUME_MAP", "s3://bucket"),
        ("FPOLICY_VOLUME_MAP_REFRESH_SECONDS", "0"),
        ("FPOLICY_METRICS_INTERVAL_SECONDS", "61"),
        ("LOG_LEVEL", "info"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(MisconfiguredError, match=name) as caught:
        Settings.from_env({**REQUIRED, name: value})
    assert "\n" not in str(caught.value)


def test_a_spool_is_trusted_to_last_only_when_that_is_said() -> None:
    on = {**REQUIRED, "FPOLICY_SPOOL_DIR": "/spool"}
    assert Settings.from_env(on).spool == SpoolSettings(Path("/spool"), 10 * 1024**3, is_lasting=False)
    lasting = Settings.from_env({**on, "FPOLICY_SPOOL_LASTING": "true"}).spool
    assert lasting is not None and lasting.is_lasting


def test_a_synchronous_answer_does_not_rest_on_a_disk_that_dies_with_the_host() -> None:
    synchronous = {**REQUIRED, "FPOLICY_MODE": "synchronous", "FPOLICY_SPOOL_DIR": "/spool"}
    with pytest.raises(MisconfiguredError, match="FPOLICY_SPOOL_LASTING"):
        Settings.from_env(synchronous)
    assert Settings.from_env({**synchronous, "FPOLICY_SPOOL_LASTING": "true"}).spool


def test_a_field_map_is_a_file_or_the_json_itself_and_is_read_at_the_start(tmp_path: Path) -> None:
    on = {**REQUIRED, "PROTOBUF_FRAMING_MODE": "auto_detect"}
    assert Settings.from_env(on).field_map is None
    inline = Settings.from_env({**on, "FPOLICY_PROTOBUF_FIELD_MAP": MAP_FILE.read_text()})
    assert inline.framing_mode is FramingMode.AUTO_DETECT
    assert Settings.from_env({**on, "FPOLICY_PROTOBUF_FIELD_MAP": str(MAP_FILE)}) == inline
    (tmp_path / "map.json").write_bytes(b"\xff")
    with pytest.raises(MisconfiguredError, match="must be JSON or a file with JSON"):
        Settings.from_env({**on, "FPOLICY_PROTOBUF_FIELD_MAP": str(tmp_path / "map.json")})


def test_a_synchronous_server_needs_an_answer_in_its_field_map() -> None:
    silent = json.loads(MAP_FILE.read_text())
    del silent["replies"]["SCREEN_RESP"]
    settings = {
        **REQUIRED,
        "PROTOBUF_FRAMING_MODE": "FRAMELESS",
        "FPOLICY_PROTOBUF_FIELD_MAP": json.dumps(silent),
    }
    assert Settings.from_env(settings).field_map
    with pytest.raises(MisconfiguredError, match="has no SCREEN_RESP"):
        Settings.from_env({**settings, "FPOLICY_MODE": "synchronous"})


def test_the_health_check_asks_on_this_host() -> None:
    assert health_address({}) == Address("127.0.0.1", 9899)
    assert health_address({"FPOLICY_HEALTH_LISTEN": "[::]:1"}) == Address("::1", 1)
    assert health_address({"FPOLICY_HEALTH_LISTEN": "127.0.0.7:2"}) == Address("127.0.0.7", 2)


def test_every_setting_is_documented_with_its_default(repository: Path) -> None:
    readme = (repository / "fpolicy-server/README.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE))
    assert names_read_by(Settings.from_env) == documented - {"AWS_ENDPOINT_URL"}
