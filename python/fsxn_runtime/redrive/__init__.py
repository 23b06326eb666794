"""Dead letters: what they are, and how they go back to the queue they came from."""

from fsxn_runtime.redrive.core import judge
from fsxn_runtime.redrive.model import Choice, Fate, Judgement, Kind, Letter, Outcome, Route
from fsxn_runtime.redrive.redriver import Redriver
from fsxn_runtime.redrive.store import LetterBox, SendTo, find_route

__all__ = [
    "Choice",
    "Fate",
    "Judgement",
    "Kind",
    "Letter",
    "LetterBox",
    "Outcome",
    "Redriver",
    "Route",
    "SendTo",
    "find_route",
    "judge",
]
