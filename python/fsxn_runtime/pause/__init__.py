"""The switch of a workload: its queue goes on filling, and nothing is taken out of it."""

from fsxn_runtime.pause.core import hours_left
from fsxn_runtime.pause.model import Backlog, Mapping, Switch
from fsxn_runtime.pause.store import Backlogs, Mappings
from fsxn_runtime.pause.switcher import Switcher

__all__ = ["Backlog", "Backlogs", "Mapping", "Mappings", "Switch", "Switcher", "hours_left"]
