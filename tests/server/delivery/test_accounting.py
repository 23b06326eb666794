from __future__ import annotations

from fpolicy_server.delivery import Accounting
from hypothesis import given
from hypothesis import strategies as st


class Account:
    """An accounting of 100 events with marks at 80 and 50, and what it said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.accounting = Accounting(
            100,
            80,
            50,
            on_pressure=lambda is_pressing: self.said.append("press" if is_pressing else "relax"),
            on_room=lambda: self.said.append("room"),
        )


def test_marks_are_told_once_each() -> None:
    account = Account()
    for _ in range(100):
        account.accounting.add()
    assert (account.said, account.accounting.has_room) == (["press"], False)
    for _ in range(19):
        account.accounting.remove()
    assert not account.accounting.has_room
    account.accounting.remove()
    assert (account.said, account.accounting.has_room) == (["press", "room"], True)
    for _ in range(30):
        account.accounting.remove()
    assert account.said == ["press", "room", "relax"]
    assert account.accounting.count == 50


@given(st.lists(st.booleans(), max_size=600))
def test_the_bound_holds_and_signals_alternate(steps: list[bool]) -> None:
    account = Account()
    for is_adding in steps * 3:
        if is_adding and account.accounting.has_room:
            account.accounting.add()
        elif not is_adding and account.accounting.count:
            account.accounting.remove()
        assert 0 <= account.accounting.count <= 100
        assert account.accounting.has_room or account.accounting.count > 80
    pressure = [word for word in account.said if word != "room"]
    assert pressure == ["press", "relax"] * (len(pressure) // 2) + ["press"] * (len(pressure) % 2)


def test_with_a_spool_pressure_waits_until_the_spool_falls_behind() -> None:
    """The bound is 100, the marks 80 and 50: events move from 80 on down to 72; pressure at 90 until 72."""
    said: list[str] = []
    accounting = Accounting(
        100,
        80,
        50,
        on_pressure=lambda is_pressing: said.append("press" if is_pressing else "relax"),
        on_room=lambda: said.append("room"),
        on_high=lambda: said.append("high"),
    )
    for _ in range(79):
        accounting.add()
    assert said == []
    for _ in range(10):
        accounting.add()
    assert said == ["high"] * 10
    accounting.add()
    assert said[10:] == ["press", "high"]
    for _ in range(90 - 73):
        accounting.remove()
    assert said[12:] == []
    accounting.remove()
    assert (accounting.count, accounting.spill_to, said[12:]) == (72, 72, ["relax"])
