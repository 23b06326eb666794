"""`fsxn guardrails` and `fsxn expansion` on the local AWS."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator

import pytest
from fsxn_runtime.cli import function as function_calls
from fsxn_runtime.cli import guardrails as guardrail_commands
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import client, forget_clients
from fsxn_runtime.edge.log import set_level

from lab.cloud.emulator import Emulator
from tests.support.expansion_world import ExpansionWorld, make_table
from tests.support.fsx_fake import refusal
from tests.support.guardrail_world import TABLE, Crash, GuardrailWorld

Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def guardrails(emulator: Emulator) -> GuardrailWorld:
    return GuardrailWorld(emulator.client("dynamodb"))


@pytest.fixture
def world(
    emulator: Emulator, guardrails: GuardrailWorld, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ExpansionWorld]:
    """An expander, and commands that see its tables; FSx is the one in memory."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("GUARDRAIL_TABLE", TABLE)
    monkeypatch.setenv("EXPANSION_TABLE", "operations")
    forget_clients()
    dynamodb = emulator.client("dynamodb")
    guardrails.start_over()
    world = ExpansionWorld(guardrails, dynamodb, make_table(dynamodb))
    monkeypatch.setattr(
        guardrail_commands,
        "client",
        lambda service, **options: world.fsx if service == "fsx" else client(service, **options),
    )
    yield world
    dynamodb.delete_table(TableName="operations")
    forget_clients()
    set_level("INFO")


@pytest.fixture
def fsxn(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; give its exit status and its lines."""

    def run(*words: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        status = main(words)
        return status, capsys.readouterr().out.splitlines()

    return run


def grow(world: ExpansionWorld, **given: object) -> None:
    world.cloudwatch.ssd_pct = 85.0
    event = {"action": "grow", "request_id": "request-1", "file_system_id": "fs-1"}
    world.send(world.expander(**given), event)


def test_status_shows_use_and_history_shows_every_action(world, fsxn):
    grow(world)
    status, lines = fsxn("guardrails", "status", "--type", "file_system_grow", "--json")
    used, grant = (json.loads(line) for line in lines)
    assert (status, used["failures"], used["open"]) == (0, 0, 0)
    assert used["last_action_ts"] == "2026-01-31T12:00:00.000000Z"
    assert grant == {"grant": None}
    status, lines = fsxn("guardrails", "history", "--type", "file_system_grow")
    assert status == 0
    assert "allowed  accepted  220 GiB  ENFORCE" in lines[0]
    assert "resource_id=fs-1" in lines[0]
    assert fsxn("guardrails", "history", "--type", "volume_grow")[0] == 1


def test_a_grant_is_given_shown_and_reverted(world, fsxn):
    status, lines = fsxn("guardrails", "break-glass", "--reason", "INC-7", "--minutes", "90")
    assert status == 0
    assert lines[0].startswith("granted until ")
    assert any(
        line.startswith("live grant until ") and "INC-7" in line for line in fsxn("guardrails", "status")[1]
    )
    assert fsxn("guardrails", "break-glass", "--reason", "INC-8")[0] == 3
    assert fsxn("guardrails", "revert", "--actor", "ann")[0] == 0
    assert fsxn("guardrails", "revert", "--actor", "ann")[0] == 1
    lines = fsxn("guardrails", "history", "--type", "BREAK_GLASS")[1]
    assert len(lines) == 3  # granted, refused while live, reverted
    assert "actor=arn:aws:" in lines[-1]
    assert re.search(r"actor=arn:aws:\S+ \(ann\)", lines[0])  # the name adds to the ARN


def test_who_gives_a_grant_without_a_topic_hears_that_nobody_is_told(world, capsys, monkeypatch):
    grant = ("guardrails", "break-glass", "--reason", "INC-7", "--actor", "ann")
    topic = "arn:aws:sns:us-east-1:000000000000:nowhere"
    monkeypatch.delenv("GUARDRAIL_SNS_TOPIC_ARN", raising=False)
    assert main([*grant]) == 0
    assert "nobody is told" in capsys.readouterr().err
    assert main(["guardrails", "revert", "--actor", "ann", "--topic", topic]) == 0
    assert "nobody is told" not in capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["300", "0.4"])
def test_a_grant_of_a_wrong_length_is_wrong_use(world, fsxn, minutes):
    assert fsxn("guardrails", "break-glass", "--reason", "INC-7", "--minutes", minutes)[0] == 2


@pytest.mark.parametrize("minutes", ["nan", "inf", "soon"])
def test_a_grant_of_no_number_of_minutes_is_wrong_use(world, fsxn, capsys, minutes):
    with pytest.raises(SystemExit) as ended:
        fsxn("guardrails", "break-glass", "--reason", "INC-7", "--minutes", minutes)
    assert ended.value.code == 2
    assert f"invalid minutes value: '{minutes}'" in capsys.readouterr().err


def test_a_grant_may_last_half_a_minute(world, fsxn):
    status, lines = fsxn("guardrails", "break-glass", "--reason", "INC-7", "--minutes", "0.5", "--json")
    grant = json.loads(lines[0])
    assert (status, grant["expires_us"] - grant["granted_us"]) == (0, 30_000_000)


def test_a_reset_lets_a_type_begin_again(world, fsxn):
    grow(world)
    command = ("guardrails", "reset", "--type", "file_system_grow", "--reason", "CHG-1", "--actor", "ann")
    assert fsxn(*command)[0] == 0
    assert world.guardrails.operations().status("file_system_grow").count == 0
    assert fsxn("guardrails", "reset", "--type", "other", "--reason", "CHG-1", "--actor", "ann")[0] == 1


def leave_open(world: ExpansionWorld, *, at_fsx: bool) -> None:
    """Let the process die right at the call of FSx."""
    call = world.fsx.update_file_system

    def die(**request: object) -> None:
        if at_fsx:
            call(**request)
        raise Crash

    world.fsx.update_file_system = die
    with pytest.raises(Crash):
        grow(world)


@pytest.mark.parametrize(("at_fsx", "count"), [(True, 1), (False, 0)])
def test_reconcile_settles_an_open_action_by_what_fsx_shows(world, fsxn, at_fsx, count):
    leave_open(world, at_fsx=at_fsx)
    words = "executed" if at_fsx else "not executed"
    status, lines = fsxn("guardrails", "reconcile", "--dry-run")
    assert (status, lines[0].endswith(words)) == (0, True)
    assert len(world.guardrails.operations().open_reservations("file_system_grow")) == 1
    assert fsxn("guardrails", "reconcile")[0] == 0
    assert world.guardrails.operations().open_reservations("file_system_grow") == []
    assert world.guardrails.operations().status("file_system_grow").count == count


def test_an_action_of_another_kind_stays_open_until_somebody_says_what_it_was(world, fsxn):
    def die() -> None:
        raise Crash

    with pytest.raises(Crash):
        world.guardrails.guardrail().check_and_execute(
            action_type="snapshot_reserve", requested_gb=5, execute_fn=die, action_id="mine-1"
        )
    assert fsxn("guardrails", "reconcile", "--type", "snapshot_reserve")[0] == 1
    assert fsxn("guardrails", "reconcile", "--type", "snapshot_reserve", "--not-executed", "mine-1")[0] == 0
    assert world.guardrails.operations().status("snapshot_reserve").count == 0


def test_reconcile_writes_down_what_ran_without_the_store(world, fsxn, tmp_path):
    line = {
        "event": "action.unrecorded",
        "action_type": "volume_grow",
        "action_id": "late-1",
        "requested_gb": "12.5",
        "at": "2026-01-31T12:00:00.000000Z",
        "mode": "BREAK_GLASS",
        "nonce": "n",
        "context": {},
    }
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(line) + "\nno json\n")
    assert fsxn("guardrails", "reconcile", "--log", str(log))[1][0] == "written 1, known 0"
    assert fsxn("guardrails", "reconcile", "--log", str(log), "--json")[1][0] == '{"written": 0, "known": 1}'
    assert world.guardrails.operations().status("volume_grow").total_gb == 12.5


@pytest.mark.parametrize(
    ("size", "caps", "status", "words"),
    [
        (5000, {}, 0, "5000 GiB: a step of 10 %, 500 GiB, fits the daily cap of file_system_grow, 500 GiB"),
        (5001, {}, 1, "5001 GiB: a step of 10 %, 501 GiB, is above the daily cap"),
        (5001, {"GUARDRAIL_DAILY_CAP_GB": "501"}, 0, "fits the daily cap of file_system_grow, 501 GiB"),
        (5001, {"GUARDRAIL_DAILY_CAPS_GB": '{"file_system_grow": 2048}'}, 0, "file_system_grow, 2048 GiB"),
        (5001, {"GUARDRAIL_DAILY_CAPS_GB": '{"volume_grow": 2048}'}, 1, "file_system_grow, 500 GiB"),
    ],
)
def test_preflight_says_whether_the_least_growth_fits_the_cap(
    world, fsxn, monkeypatch, size, caps, status, words
):
    """An expander whose guardrail has the same settings is denied exactly when preflight says so."""
    for name, value in caps.items():
        monkeypatch.setenv(name, value)
    world.fsx.capacity_gib = size
    told = fsxn("guardrails", "preflight")
    assert (told[0], len(told[1])) == (status, 1)
    assert words in told[1][0]
    limits = {name.removeprefix("GUARDRAIL_").lower(): value for name, value in caps.items()}
    world.cloudwatch.ssd_pct = 80.0
    event = {"action": "grow", "request_id": "request-1", "file_system_id": "fs-1"}
    (answer,) = world.send(world.expander(EXPANSION_TARGET_PCT=79, **limits), event)
    assert answer.outcome == ("denied" if status else "started")


def test_preflight_as_json_of_one_file_system(world, fsxn, monkeypatch):
    monkeypatch.delenv("GUARDRAIL_TABLE")  # the caps are all that it needs
    status, lines = fsxn("guardrails", "preflight", "fs-1", "--json")
    assert status == 0
    assert [json.loads(line) for line in lines] == [
        {
            "file_system_id": "fs-1",
            "name": "projects",
            "size_gb": 1024,
            "step_gb": 103,
            "cap_gb": 500,
            "fits": True,
        }
    ]
    assert fsxn("guardrails", "preflight", "fs-2")[0] == 2


def test_preflight_of_an_account_without_file_systems_is_a_finding(world, fsxn, monkeypatch):
    monkeypatch.setattr(world.fsx, "describe_file_systems", lambda **_: {"FileSystems": []})
    assert fsxn("guardrails", "preflight") == (1, ["no file systems"])


@pytest.mark.parametrize("code", ["InternalServerError", "AccessDeniedException"])
def test_preflight_that_cannot_reach_fsx_says_so(world, fsxn, monkeypatch, code):
    def fail(**_: object) -> None:
        raise refusal("DescribeFileSystems", code, "no")

    monkeypatch.setattr(world.fsx, "describe_file_systems", fail)
    assert fsxn("guardrails", "preflight") == (3, [])


class Function:
    """The expand function behind Lambda's Invoke."""

    def __init__(self, world: ExpansionWorld, expander: object) -> None:
        self.world, self.expander = world, expander
        set_level("ERROR")  # its log would mix with the output

    def invoke(self, **request: str) -> dict[str, object]:
        answers = self.world.send(self.expander, json.loads(request["Payload"]))
        payload = json.dumps({"answers": [answer.to_dict() for answer in answers]})
        return {"Payload": io.BytesIO(payload.encode())}


def test_a_proposal_is_listed_approved_and_done(world, fsxn, monkeypatch):
    function = Function(world, world.expander("propose"))
    monkeypatch.setattr(function_calls, "client", lambda *_, **__: function)
    monkeypatch.setenv("EXPANSION_FUNCTION", "fsxn-s3ap-expand")
    assert fsxn("expansion", "list")[0] == 1
    world.cloudwatch.ssd_pct = 85.0
    assert fsxn("expansion", "grow", "fs-1")[1][0].startswith("proposed  fs-1  ")
    status, (line,) = fsxn("expansion", "list", "--open")
    assert status == 0
    assert "proposed  fs-1  1024 -> 1244 GiB  request" in line
    operation_id = line.split()[0]
    assert fsxn("expansion", "approve", operation_id, "--actor", "ann")[0] == 0
    assert world.fsx.capacity_gib == 1244
    assert fsxn("expansion", "reject", operation_id)[0] == 1
    actor = json.loads(fsxn("expansion", "list", "--json")[1][0])["actor"]
    assert re.fullmatch(r"arn:aws:\S+ \(ann\)", actor)  # the ARN always, the name besides


def test_a_function_that_fails_is_unreachable(world, fsxn, monkeypatch):
    class Failing:
        def invoke(self, **_: object) -> dict[str, object]:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "no"}')}

    monkeypatch.setattr(function_calls, "client", lambda *_, **__: Failing())
    assert fsxn("expansion", "approve", "0", "--actor", "ann", "--function", "f")[0] == 3


def test_an_open_action_on_what_was_deleted_waits_for_a_person(world, fsxn):
    leave_open(world, at_fsx=False)

    def gone(**_):
        raise refusal("DescribeFileSystems", "FileSystemNotFound", "no such file system")

    world.fsx.describe_file_systems = gone
    status, (line,) = fsxn("guardrails", "reconcile")
    assert (status, line.endswith("open")) == (1, True)
    action_id = line.split()[1]
    assert fsxn("guardrails", "reconcile", "--not-executed", action_id)[0] == 0
