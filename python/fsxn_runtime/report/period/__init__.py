"""What is known of a period: objectives, incidents, replays, lineage, forecast, growth, cost."""

from fsxn_runtime.report.period.alarm_history import read_incidents
from fsxn_runtime.report.period.collecting import Period, collect, failed
from fsxn_runtime.report.period.growth import read_growth
from fsxn_runtime.report.period.lineage_counts import count_lineage
from fsxn_runtime.report.period.objectives import read_dashboards, read_objectives
from fsxn_runtime.report.period.outlook import read_outlook
from fsxn_runtime.report.period.replays import read_replays
from fsxn_runtime.report.period.spending import read_spending

__all__ = [
    "Period",
    "collect",
    "count_lineage",
    "failed",
    "read_dashboards",
    "read_growth",
    "read_incidents",
    "read_objectives",
    "read_outlook",
    "read_replays",
    "read_spending",
]
