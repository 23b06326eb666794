"""CapacityGuardrail on the local DynamoDB: limits, modes, grants, crashes, concurrency."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from botocore.exceptions import EndpointConnectionError
from fsxn_runtime.errors import ConflictError, RejectedError
from fsxn_runtime.guardrails import Alerts, Grant, GuardrailDeniedError, Mode, Outcome, Reason, guarded

from tests.support.guardrail_world import HOUR, SECOND, T0, Crash, GuardrailWorld

DAY = 24 * HOUR
UNREACHABLE = EndpointConnectionError(endpoint_url="https://dynamodb.example.com")


@pytest.fixture(autouse=True)
def fresh(world: GuardrailWorld) -> Iterator[None]:
    world.now = T0
    world.order.clear()
    yield
    world.dynamodb.down = None
    world.dynamodb.until_crash = None
    world.forget_grant()


class Effect:
    """The outside: how often an action took place."""

    def __init__(self, world: GuardrailWorld) -> None:
        self.world = world
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        self.world.order.append("action")
        return "done"


def ask(world, guardrail, action_type, gb=10, **given):
    return guardrail.check_and_execute(
        action_type=action_type, requested_gb=gb, execute_fn=given.pop("run", lambda: "done"), **given
    )


def test_an_allowed_action_runs_and_its_value_comes_back(world):
    result = ask(world, world.guardrail(), world.new_type())
    assert (result.allowed, result.executed, result.value) == (True, True, "done")
    assert (result.would_deny, result.reason, result.mode, result.recorded) == (False, "", "ENFORCE", True)
    assert world.metrics() == Counter(GuardrailAllowed=1)


@pytest.mark.parametrize(
    ("limits", "gb", "reason"),
    [
        ({"rate_limit": 1, "cooldown_seconds": 0}, 10, "rate_limit_exceeded"),
        ({"daily_cap_gb": 15, "cooldown_seconds": 0}, 10, "daily_cap_exceeded"),
        ({"cooldown_seconds": 300}, 10, "cooldown_active"),
        ({"rate_limit": 1, "daily_cap_gb": 15, "cooldown_seconds": 300}, 10, "rate_limit_exceeded"),
        ({"daily_cap_gb": 15, "cooldown_seconds": 300}, 10, "daily_cap_exceeded"),
    ],
)
def test_the_first_limit_that_is_passed_is_the_reason(world, limits, gb, reason):
    guardrail, kind = world.guardrail(**limits), world.new_type()
    assert ask(world, guardrail, kind, gb).allowed
    effect = Effect(world)
    denied = ask(world, guardrail, kind, gb, run=effect)
    assert (denied.allowed, denied.executed, denied.reason, effect.times) == (False, False, reason, 0)
    assert world.metrics()["GuardrailBlocked"] == 1


def test_a_request_above_the_cap_is_denied_on_a_new_day_too(world):
    result = ask(world, world.guardrail(daily_cap_gb=100), world.new_type(), 101)
    assert result.reason == "daily_cap_exceeded"


def test_a_cap_of_its_own_replaces_the_common_one(world):
    kind = world.new_type()
    guardrail = world.guardrail(daily_caps_gb=f'{{"{kind}": 2000}}')
    assert ask(world, guardrail, kind, 2000).allowed
    assert not ask(world, guardrail, world.new_type(), 501).allowed


def test_midnight_ends_count_and_cap_but_not_the_cooldown(world):
    guardrail, kind = world.guardrail(rate_limit=1, cooldown_seconds=300), world.new_type()
    world.now = T0 + 12 * HOUR - 100 * SECOND
    assert ask(world, guardrail, kind, 500).allowed
    world.now = T0 + 12 * HOUR + 100 * SECOND
    assert ask(world, guardrail, kind, 500).reason == "cooldown_active"
    world.now = T0 + 12 * HOUR + 200 * SECOND
    assert ask(world, guardrail, kind, 500).allowed


def test_a_clock_behind_the_days_change_counts_on_the_new_day(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0, rate_limit=2), world.new_type()
    world.now = T0 + DAY
    assert ask(world, guardrail, kind).allowed
    world.now = T0
    assert ask(world, guardrail, kind).allowed
    world.now = T0 + DAY
    assert ask(world, guardrail, kind).reason == "rate_limit_exceeded"


def test_a_failing_action_counts_and_a_row_of_failures_blocks(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0, max_failures=2), world.new_type()

    def fail():
        raise OSError("no space")

    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            ask(world, guardrail, kind, run=fail)
    assert ask(world, guardrail, kind).reason == "too_many_failures"
    assert world.operations().status(kind).count == 2
    assert world.operations().reset(kind, actor="ann", reason="CHG-1")
    assert ask(world, guardrail, kind).allowed
    assert world.operations().status(kind).failures == 0


def test_what_a_reset_has_forgotten_is_not_taken_back_again(world):
    """An open action, a reset, another action; then the first turns out not to have run."""
    guardrail, kind = world.guardrail(cooldown_seconds=0, daily_cap_gb=100), world.new_type()

    def die():
        raise Crash

    with pytest.raises(Crash):
        ask(world, guardrail, kind, 60, run=die)
    world.now += SECOND
    assert world.operations().reset(kind, actor="ann", reason="CHG-1")
    world.now += SECOND
    assert ask(world, guardrail, kind, 60).executed
    (reservation,) = world.operations().open_reservations(kind)
    assert world.operations().settle(reservation, executed=False)
    state = world.operations().status(kind)
    assert (state.count, state.total_gb) == (1, 60)
    assert world.operations().open_reservations(kind) == []
    assert ask(world, guardrail, kind, 60).reason == "daily_cap_exceeded"


def test_what_did_not_run_after_a_reset_is_taken_back(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0), world.new_type()

    def die():
        raise Crash

    ask(world, guardrail, kind)
    assert world.operations().reset(kind, actor="ann", reason="CHG-1")
    world.now += 61 * SECOND
    with pytest.raises(Crash):
        ask(world, guardrail, kind, run=die)
    (reservation,) = world.operations().open_reservations(kind)
    assert world.operations().settle(reservation, executed=False)
    assert world.operations().status(kind).count == 0


def test_a_reset_brings_back_the_days_that_a_clock_far_ahead_has_stopped(world):
    guardrail, kind = world.guardrail(rate_limit=1, cooldown_seconds=300), world.new_type()
    world.now = T0 + 4000 * DAY
    assert ask(world, guardrail, kind).allowed
    world.now = T0
    assert ask(world, guardrail, kind).reason == "rate_limit_exceeded"
    world.operations().reset(kind, actor="ann", reason="CHG-1")
    assert ask(world, guardrail, kind).allowed
    world.now = T0 + DAY
    assert ask(world, guardrail, kind).allowed


def test_a_success_ends_the_row_of_failures(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0, max_failures=2), world.new_type()

    def fail():
        raise OSError

    with pytest.raises(OSError):
        ask(world, guardrail, kind, run=fail)
    assert ask(world, guardrail, kind).allowed
    with pytest.raises(OSError):
        ask(world, guardrail, kind, run=fail)
    assert ask(world, guardrail, kind).allowed


def test_a_repeated_action_id_never_runs_again(world):
    guardrail, kind, effect = world.guardrail(cooldown_seconds=0), world.new_type(), Effect(world)
    assert ask(world, guardrail, kind, run=effect, action_id="grow-1").executed
    for mode in Mode:
        again = ask(world, world.guardrail(mode, cooldown_seconds=0), kind, run=effect, action_id="grow-1")
        assert (again.executed, again.reason) == (False, Reason.REPEATED)
    assert effect.times == 1
    assert world.operations().status(kind).count == 1
    assert world.metrics()["GuardrailBlocked"] == 0


@pytest.mark.parametrize(
    "size",
    [
        *(0, -1, float("nan"), float("inf"), -float("inf"), 1e30, "x", None, True),
        pytest.param(10**5000, id="5001 digits"),  # more than Python turns into text
        pytest.param(Decimal("sNaN"), id="signalling NaN"),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_a_size_that_is_none_is_rejected_in_every_mode(world, size, mode):
    effect = Effect(world)
    with pytest.raises(RejectedError, match="requested_gb is"):
        ask(world, world.guardrail(mode), world.new_type(), size, run=effect)
    assert effect.times == 0


@pytest.mark.parametrize("kind", ["", "x" * 200, "two\nlines", "AUDIT#x", "a b", None, "BREAK_GLASS"])
def test_an_action_type_that_is_no_word_is_rejected(world, kind):
    with pytest.raises(RejectedError, match="action_type is"):
        ask(world, world.guardrail(), kind)


def test_a_dry_run_runs_the_action_and_says_what_it_would_have_denied(world):
    guardrail, kind = world.guardrail("DRY_RUN", rate_limit=1), world.new_type()
    assert not ask(world, guardrail, kind).would_deny
    second = ask(world, guardrail, kind)
    assert (second.allowed, second.executed, second.would_deny) == (True, True, True)
    assert second.reason == "rate_limit_exceeded"
    assert world.operations().status(kind).count == 2
    assert world.metrics() == Counter(GuardrailDryRunAllowed=2)


def test_a_dry_run_can_run_nothing_and_says_so(world):
    effect = Effect(world)
    guardrail = world.guardrail("dry_run", dry_run_executes="false")
    result = ask(world, guardrail, world.new_type(), run=effect)
    assert (result.allowed, result.executed, result.value, effect.times) == (True, False, None, 0)


def test_a_live_grant_lets_a_denied_action_pass_and_ends_by_itself(world):
    guardrail, kind = world.guardrail(rate_limit=1, cooldown_seconds=0), world.new_type()
    ask(world, guardrail, kind)
    world.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    world.now += HOUR - SECOND
    passed = ask(world, guardrail, kind)
    assert (passed.allowed, passed.executed, passed.reason) == (True, True, "rate_limit_exceeded")
    world.now += SECOND
    assert ask(world, guardrail, kind).reason == "rate_limit_exceeded"
    assert world.metrics()["GuardrailBypass"] == 1
    alerts = [entry for entry in world.order if entry.startswith("alert")]
    assert alerts == [
        "alert Guardrail break-glass granted",
        "alert Guardrail bypassed",
        "alert Guardrail break-glass ended",
    ]
    assert not guardrail.tell_of_ended_grant()


def test_the_end_of_a_grant_that_another_one_follows_is_told_too(world):
    operations = world.operations()
    operations.break_glass(actor="ann", reason="INC-7", seconds=60)
    world.now += 61 * SECOND
    operations.break_glass(actor="bob", reason="INC-8", seconds=60)
    world.now += 61 * SECOND
    assert world.guardrail().tell_of_ended_grant()
    assert world.order.count("alert Guardrail break-glass ended") == 2


@pytest.mark.parametrize("granted", [T0, T0 + 100 * DAY])
def test_a_grant_that_was_written_for_longer_than_four_hours_is_none(world, granted):
    """Not by these commands, which refuse it: by whoever may write the item."""
    assert world.store.put_grant(Grant("g", "ann", "INC-7", granted, T0 + 101 * DAY))
    guardrail, kind = world.guardrail(rate_limit=0), world.new_type()
    assert ask(world, guardrail, kind).reason == "rate_limit_exceeded"
    assert world.operations().live_grant() is None
    assert world.operations().revert(actor="bob")


def test_a_bypass_is_counted_and_alerted_before_it_is_tracked_and_done(world):
    kind, effect = world.new_type(), Effect(world)
    world.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    world.order.clear()
    world.dynamodb.calls.clear()
    assert ask(world, world.guardrail("BREAK_GLASS"), kind, run=effect).executed
    assert world.order == ["metric GuardrailBypass", "alert Guardrail bypassed", "action"]
    assert world.dynamodb.calls[:3] == ["get_item", "put_item", "update_item"]
    # A process that dies in the tracking write has already counted and told.
    world.order.clear()
    world.dynamodb.until_crash, world.dynamodb.after_effect = 1, False
    with pytest.raises(Crash):
        ask(world, world.guardrail("BREAK_GLASS"), kind, run=effect)
    assert world.order == ["metric GuardrailBypass", "alert Guardrail bypassed"]


def test_break_glass_without_a_grant_is_enforced_and_counted(world):
    guardrail, kind = world.guardrail("break_glass", rate_limit=0), world.new_type()
    assert ask(world, guardrail, kind).reason == "rate_limit_exceeded"
    assert world.metrics() == Counter(GuardrailGrantMissing=1, GuardrailBlocked=1)


def test_a_grant_lets_no_action_run_twice(world):
    kind, effect = world.new_type(), Effect(world)
    world.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    for mode in ("ENFORCE", "BREAK_GLASS"):
        guardrail = world.guardrail(mode, cooldown_seconds=0)
        assert ask(world, guardrail, kind, run=effect, action_id=f"{mode}-1").executed
        world.order.clear()
        again = ask(world, guardrail, kind, run=effect, action_id=f"{mode}-1")
        assert (again.executed, again.reason) == (False, Reason.REPEATED)
    assert effect.times == 2


def test_a_repetition_in_enforce_is_no_bypass(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0), world.new_type()
    ask(world, guardrail, kind, action_id="grow-1")
    world.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    world.order.clear()
    ask(world, guardrail, kind, action_id="grow-1")
    assert world.order == []


def test_an_alert_that_fails_blocks_nothing(world):
    class Topic:
        def publish(self, **_):
            raise OSError("no network")

    world.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    guardrail = world.guardrail("BREAK_GLASS")
    guardrail._alerts = Alerts(Topic(), "arn:aws:sns:us-east-1:111122223333:t")
    assert ask(world, guardrail, world.new_type()).executed


@pytest.mark.parametrize("mode", Mode)
def test_a_function_that_takes_any_keyword_gets_the_whole_context(world, mode):
    result = ask(world, world.guardrail(mode), world.new_type(), run=lambda **all_: all_, a=1, b="x")
    assert result.value == {"a": 1, "b": "x"}


def test_a_reset_and_a_grant_need_a_name_and_a_reason(world):
    with pytest.raises(RejectedError, match="actor"):
        world.operations().reset("grow", actor=" ", reason="CHG-1")


def test_a_reverted_grant_lets_nothing_pass(world):
    guardrail, kind = world.guardrail(rate_limit=0), world.new_type()
    operations = world.operations()
    operations.break_glass(actor="ann", reason="INC-7", seconds=3600)
    with pytest.raises(ConflictError):
        operations.break_glass(actor="bob", reason="INC-8", seconds=3600)
    world.now += SECOND
    assert operations.revert(actor="bob")
    assert operations.revert(actor="bob") is None
    assert not ask(world, guardrail, kind).allowed
    assert world.order.count("alert Guardrail break-glass ended") == 1


@pytest.mark.parametrize(
    ("mode", "allowed", "metrics"),
    [
        ("DRY_RUN", True, Counter(GuardrailDynamoDBError=1, GuardrailDryRunAllowed=1)),
        ("ENFORCE", False, Counter(GuardrailDynamoDBError=1, GuardrailBlocked=1)),
        ("BREAK_GLASS", True, Counter(GuardrailDynamoDBError=1, GuardrailBypass=1)),
    ],
)
def test_what_happens_while_the_store_is_down(world, mode, allowed, metrics):
    world.dynamodb.down = UNREACHABLE
    effect = Effect(world)
    result = ask(world, world.guardrail(mode), world.new_type(), run=effect)
    assert (result.allowed, result.executed, effect.times) == (allowed, allowed, int(allowed))
    assert (result.reason, result.recorded) == (Reason.STORE, False)
    assert world.metrics() == metrics


def test_what_ran_without_the_store_is_written_down_from_the_log_once(world, capsys):
    world.dynamodb.down = UNREACHABLE
    guardrail, kind = world.guardrail("BREAK_GLASS", cooldown_seconds=0), world.new_type()
    capsys.readouterr()
    result = ask(world, guardrail, kind, 25, volume_id="fsvol-1")
    world.dynamodb.down = None
    log = ["not json", "{}", *capsys.readouterr().out.splitlines()]
    assert world.operations().write_down(log) == (1, 0)
    assert world.operations().write_down(log) == (0, 1)
    state = world.operations().status(kind)
    assert (state.count, state.total_gb) == (1, 25)
    (entry,) = world.operations().history(kind)
    assert (entry.action.action_id, entry.verdict) == (result.action_id, "bypassed")
    assert entry.action.context == {"volume_id": "fsvol-1"}


def test_what_is_written_down_late_ends_no_cooldown(world, capsys):
    world.dynamodb.down = UNREACHABLE
    kind = world.new_type()
    capsys.readouterr()
    ask(world, world.guardrail("BREAK_GLASS"), kind)
    world.dynamodb.down = None
    log = capsys.readouterr().out.splitlines()
    world.now += HOUR
    assert ask(world, world.guardrail(), kind).executed
    assert world.operations().write_down(log) == (1, 0)
    assert ask(world, world.guardrail(), kind).reason == "cooldown_active"
    assert [entry.action.at_us for entry in world.operations().history(kind)][-1] == T0


def test_a_failing_record_does_not_undo_the_action(world):
    kind = world.new_type()

    def run():
        world.dynamodb.down = UNREACHABLE
        return "done"

    result = ask(world, world.guardrail(), kind, run=run)
    assert (result.executed, result.value, result.recorded) == (True, "done", False)
    world.dynamodb.down = None
    assert [r.outcome for r in world.operations().open_reservations(kind)] == [Outcome.OPEN]


def test_a_lost_answer_of_the_deciding_write_is_no_denial(world):
    """The write arrives, its answer does not; the client's second try finds the first one's reservation."""
    kind, effect = world.new_type(), Effect(world)
    ask(world, world.guardrail(cooldown_seconds=0), kind)
    update = world.dynamodb._dynamodb.update_item
    twice = []

    class Repeating:
        def __getattr__(self, name):
            return getattr(world.dynamodb, name)

        def update_item(self, **request):
            if not twice:
                twice.append(update(**request))
            return update(**request)

    guardrail = world.guardrail(cooldown_seconds=0)
    guardrail._store._dynamodb = Repeating()
    try:
        assert ask(world, guardrail, kind, run=effect).executed
    finally:
        guardrail._store._dynamodb = world.dynamodb
    assert world.operations().status(kind).count == 2


def test_a_first_decision_takes_two_calls_and_every_other_one(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0), world.new_type()
    for calls in (2, 1, 1):
        world.dynamodb.calls.clear()
        seen: list[int] = []
        ask(world, guardrail, kind, run=lambda seen=seen: seen.append(len(world.dynamodb.calls)))
        assert seen == [calls]


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("mode", ["ENFORCE", "DRY_RUN", "BREAK_GLASS"])
def test_a_crash_between_any_two_store_calls_counts_high_never_low(world, mode, after_effect):
    """At every step: die there; then what ran is counted, a retry of the id does not run it again, and
    settling by a look at the outside leaves exactly what ran."""
    limits = {"cooldown_seconds": 0, "rate_limit": 0 if mode == "DRY_RUN" else 10}
    if mode == "BREAK_GLASS":
        world.operations().break_glass(actor="ann", reason="INC-7", seconds=3600)
    for step in range(12):
        kind, effect = world.new_type(), Effect(world)
        world.dynamodb.until_crash, world.dynamodb.after_effect = step, after_effect
        try:
            ask(world, world.guardrail(mode, **limits), kind, run=effect, action_id="grow-1")
        except Crash:
            crashed = True
        else:
            crashed = False
        world.dynamodb.until_crash = None
        assert world.operations().status(kind).count >= effect.times
        before = effect.times
        retry = ask(world, world.guardrail(mode, **limits), kind, run=effect, action_id="grow-1")
        assert effect.times <= 1
        assert world.operations().status(kind).count >= effect.times
        for reservation in world.operations().open_reservations(kind):
            assert retry.reason == Reason.IN_PROGRESS
            assert world.operations().settle(reservation, executed=bool(effect.times))
            assert not world.operations().settle(reservation, executed=bool(effect.times))
        state = world.operations().status(kind)
        assert (state.count, state.total_gb) == (effect.times, Decimal(10 * effect.times))
        if not crashed:
            assert before == 1
            return
    raise AssertionError("the action never came to its end")


def test_two_hundred_concurrent_requests_never_exceed_a_limit_and_each_gets_a_decision(world):
    kind = world.new_type()
    guardrail = world.guardrail(rate_limit=40, daily_cap_gb=300, cooldown_seconds=0)
    ran: list[int] = []
    lock = threading.Lock()

    def one(number: int):
        def run():
            with lock:
                ran.append(number)

        return ask(world, guardrail, kind, 10, run=run)

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(one, range(200)))
    assert Counter(r.reason for r in results) == Counter({Reason.NONE: 30, Reason.DAILY_CAP: 170})
    assert len(ran) == 30
    state = world.operations().status(kind)
    assert (state.count, state.total_gb) == (30, 300)
    assert world.operations().open_reservations(kind) == []
    assert sum(1 for _ in world.operations().history(kind)) == 200
    day = world.dynamodb.get_item(
        TableName="guardrails", Key={"pk": {"S": kind}, "sk": {"S": "2026-01-31"}}, ConsistentRead=True
    )["Item"]
    assert (day["action_count"]["N"], day["daily_total_gb"]["N"]) == ("30", "300")


def test_a_concurrent_cooldown_lets_one_pass(world):
    guardrail, kind = world.guardrail(cooldown_seconds=300), world.new_type()
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: ask(world, guardrail, kind), range(50)))
    assert Counter(r.reason for r in results) == Counter({Reason.NONE: 1, Reason.COOLDOWN: 49})


def test_a_settled_action_is_forgotten_after_a_day_and_an_open_one_never(world):
    guardrail, kind = world.guardrail(cooldown_seconds=0), world.new_type()

    def die():
        raise Crash

    with pytest.raises(Crash):
        ask(world, guardrail, kind, action_id="open-1", run=die)
    ask(world, guardrail, kind, action_id="old-1")
    world.now = T0 + 2 * DAY
    ask(world, guardrail, kind, action_id="new-1")
    state = world.operations().status(kind)
    assert set(state.reservations) == {"open-1", "new-1"}


def test_many_old_actions_are_forgotten_by_several_writes_that_dynamodb_takes(world):
    """More than one expression can name: 4 KB (DynamoDB quotas)."""
    guardrail, kind = world.guardrail("DRY_RUN"), world.new_type()
    lines = [
        json.dumps(
            {
                "event": "action.unrecorded",
                "action_type": kind,
                "action_id": f"late-{number}",
                "requested_gb": "1",
                "at": "2026-01-31T12:00:00.000000Z",
                "mode": "BREAK_GLASS",
                "nonce": "n",
                "context": {},
            }
        )
        for number in range(150)
    ]
    assert world.operations().write_down(lines) == (150, 0)
    world.now = T0 + 2 * DAY
    for left in (51, 2):
        assert ask(world, guardrail, kind).recorded
        assert len(world.operations().status(kind).reservations) == left


def test_the_context_reaches_the_action_as_the_keywords_that_it_takes(world):
    def run(volume_id, *, missing="default"):
        return volume_id, missing

    result = ask(world, world.guardrail(), world.new_type(), run=run, volume_id="fsvol-1", other="x")
    assert result.value == ("fsvol-1", "default")


def test_a_decorated_function_keeps_its_value_and_its_default_counts(world):
    kind = world.new_type()
    guardrail = world.guardrail(daily_cap_gb=100, cooldown_seconds=0)

    @guarded(kind, size="grow_gb", guardrail=lambda: guardrail)
    def grow(volume_id, grow_gb=60):
        """Grow."""
        return f"{volume_id} +{grow_gb}"

    assert grow("fsvol-1") == "fsvol-1 +60"
    assert grow.__doc__ == "Grow."
    with pytest.raises(GuardrailDeniedError) as denied:
        grow("fsvol-1")
    assert denied.value.code == "daily_cap_exceeded"
    assert grow("fsvol-1", 40) == "fsvol-1 +40"
    (latest, *_) = world.operations().history(kind)
    assert "fsvol-1" in latest.action.context["arguments"]


def test_decorating_a_function_without_the_size_is_an_error_at_once():
    with pytest.raises(TypeError, match="no parameter"):
        guarded("grow", size="gb")(lambda volume_id: volume_id)
