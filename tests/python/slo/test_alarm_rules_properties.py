"""What holds of the alarm rules whatever the series."""

from __future__ import annotations

from fsxn_runtime.slo.alarm_rules import AlarmRule, AlarmState, Comparison, MissingData, evaluate
from hypothesis import given
from hypothesis import strategies as st

GOOD, BAD = 0.0, 2.0
points = st.lists(st.sampled_from([GOOD, BAD, None]), max_size=12)
complete = st.lists(st.sampled_from([GOOD, BAD]), min_size=10, max_size=12)
states = st.sampled_from(AlarmState)


@st.composite
def rules(draw: st.DrawFn) -> AlarmRule:
    periods = draw(st.integers(1, 5))
    wanted = draw(st.integers(1, periods))
    return AlarmRule(Comparison.GREATER, 1.0, periods, wanted, draw(st.sampled_from(MissingData)))


def treating(rule: AlarmRule, missing: MissingData) -> AlarmRule:
    return AlarmRule(
        rule.comparison, rule.threshold, rule.evaluation_periods, rule.datapoints_to_alarm, missing
    )


@given(rule=rules(), series=complete, current=states)
def test_without_missing_points_it_is_m_of_the_newest_n(
    rule: AlarmRule, series: list[float], current: AlarmState
) -> None:
    raised = series[-rule.evaluation_periods :].count(BAD) >= rule.datapoints_to_alarm
    assert evaluate(rule, series, current) == (AlarmState.ALARM if raised else AlarmState.OK)


@given(rule=rules(), series=points, current=states, place=st.integers(0, 11))
def test_a_good_point_that_turns_bad_never_ends_an_alarm(
    rule: AlarmRule, series: list[float | None], current: AlarmState, place: int
) -> None:
    worse = [BAD if at == place and value == GOOD else value for at, value in enumerate(series)]
    if evaluate(rule, series, current) is AlarmState.ALARM:
        assert evaluate(rule, worse, current) is AlarmState.ALARM


@given(rule=rules(), series=points, older=points, current=states)
def test_points_older_than_the_evaluation_range_change_nothing(
    rule: AlarmRule, series: list[float | None], older: list[float | None], current: AlarmState
) -> None:
    whole = [None] * max(0, rule.evaluation_range - len(series)) + series
    assert evaluate(rule, older + whole, current) == evaluate(rule, whole, current)


@given(rule=rules(), series=points, current=states)
def test_an_alarm_needs_a_breaching_point_unless_silence_breaches(
    rule: AlarmRule, series: list[float | None], current: AlarmState
) -> None:
    if BAD not in series and rule.missing_data is not MissingData.BREACHING:
        found = evaluate(rule, series, current)
        assert found is not AlarmState.ALARM or found is current


@given(rule=rules(), series=points, current=states)
def test_what_is_an_alarm_with_good_silence_is_one_with_bad_silence(
    rule: AlarmRule, series: list[float | None], current: AlarmState
) -> None:
    if evaluate(treating(rule, MissingData.NOT_BREACHING), series, current) is AlarmState.ALARM:
        assert evaluate(treating(rule, MissingData.BREACHING), series, current) is AlarmState.ALARM


@given(rule=rules(), series=points, current=states)
def test_ignored_silence_keeps_the_state_or_gives_what_missing_silence_gives(
    rule: AlarmRule, series: list[float | None], current: AlarmState
) -> None:
    missing = evaluate(treating(rule, MissingData.MISSING), series, current)
    assert evaluate(treating(rule, MissingData.IGNORE), series, current) in {current, missing}


@given(rule=rules(), series=points, one=states, other=states)
def test_only_ignored_silence_remembers_the_state_before(
    rule: AlarmRule, series: list[float | None], one: AlarmState, other: AlarmState
) -> None:
    if rule.missing_data is not MissingData.IGNORE:
        assert evaluate(rule, series, one) == evaluate(rule, series, other)
