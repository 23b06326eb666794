from __future__ import annotations

import pytest
from fsxn_runtime.report.statistics import displacements, histogram, percentile, spread
from hypothesis import given
from hypothesis import strategies as st

numbers = st.lists(st.integers(-1000, 1000), min_size=1)


@given(numbers, st.integers(1, 100))
def test_a_percentile_is_a_measured_value_with_enough_values_at_or_below_it(values: list[int], percent: int):
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_no_measurements_have_no_spread():
    assert spread([]) is None


@given(st.lists(st.integers()))
def test_entries_in_order_of_time_have_no_displacement(times: list[int]):
    assert displacements(sorted(times)) == [0] * len(times)


@given(st.permutations(range(20)))
def test_displacement_is_the_distance_to_the_sorted_place(times: list[int]):
    assert displacements(times) == [abs(place - time) for place, time in enumerate(times)]


@given(st.lists(st.floats(0, 1e6)))
def test_every_value_is_in_exactly_one_bin(values: list[float]):
    assert sum(histogram(values, (1, 10, 100))) == len(values)


@pytest.mark.parametrize(("value", "place"), [(1, 0), (1.5, 1), (100, 2), (101, 3)])
def test_a_bound_belongs_to_the_bin_below_it(value: float, place: int):
    assert histogram([value], (1, 10, 100))[place] == 1
