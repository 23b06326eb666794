"""Forecast: when the SSD tier, a volume or its inodes will be full."""

from fsxn_runtime.forecast.core import forecast, look_ahead, projection
from fsxn_runtime.forecast.lines import linear_regression
from fsxn_runtime.forecast.model import Forecast, Kind, Outcome, Resource, Usage
from fsxn_runtime.forecast.store import Inventory

__all__ = [
    "Forecast",
    "Inventory",
    "Kind",
    "Outcome",
    "Resource",
    "Usage",
    "forecast",
    "linear_regression",
    "look_ahead",
    "projection",
]
