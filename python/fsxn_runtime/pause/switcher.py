"""Turn a workload's switch and see it turned. Running it twice is running it once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from fsxn_runtime.errors import TransientError
from fsxn_runtime.pause.model import Mapping, Switch

# Lambda's own words are "may take several minutes" (developer guide, event source mappings).
_DEADLINE_SECONDS: Final = 300
_LOOK_EVERY_SECONDS: Final = 2


class Switches(Protocol):
    """Where switches are."""

    def of(self, workload: str) -> Mapping: ...
    def look(self, uuid: str, workload: str) -> Mapping: ...
    def turn(self, mapping: Mapping, *, on: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Switcher:
    """Turns switches."""

    switches: Switches
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def turn(self, workload: str, *, on: bool) -> bool:
        """Turn it; False when it stood there already. Raises TransientError when it does not get there.

        While Lambda is still turning it, it refuses another turn, so that is waited for first.
        """
        wanted = Switch.ON if on else Switch.OFF
        deadline = self.clock() + _DEADLINE_SECONDS
        mapping = self._settled(self.switches.of(workload), deadline)
        if mapping.switch is wanted:
            return False
        self.switches.turn(mapping, on=on)
        self._settled(self.switches.look(mapping.uuid, workload), deadline, wanted)
        return True

    def _settled(self, mapping: Mapping, deadline: float, wanted: Switch | None = None) -> Mapping:
        while mapping.switch is Switch.MOVING or (wanted is not None and mapping.switch is not wanted):
            if self.clock() >= deadline:
                raise TransientError(
                    f"the mapping of {mapping.workload} is {mapping.switch} after {_DEADLINE_SECONDS} s; "
                    "look again with fsxn events status",
                    code="still_changing",
                )
            self.sleep(_LOOK_EVERY_SECONDS)
            mapping = self.switches.look(mapping.uuid, mapping.workload)
        return mapping
