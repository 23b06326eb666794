"""The state of the access point, kept where a workload that polls can read it before it lists."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call


class StateParameter:
    """An SSM parameter: `{"state": "available" | "disrupted" | "failing", "since": time}`."""

    def __init__(self, ssm: Any, name: str) -> None:
        self._ssm = ssm
        self._name = name

    def keep(self, state: str, now: datetime) -> bool:
        """Write the state when it changed, with the time; say whether it did. Writing it twice is once."""
        with aws_call("ssm:GetParameter"):
            known = json.loads(self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"])
        if known["state"] == state:
            return False
        value = json.dumps({"state": state, "since": now.isoformat(timespec="seconds")})
        with aws_call("ssm:PutParameter"):
            self._ssm.put_parameter(Name=self._name, Value=value, Overwrite=True)
        return True
