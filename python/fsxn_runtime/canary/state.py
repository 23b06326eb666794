"""The state of the access point, kept where a workload that polls can read it before it lists."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call


class StateParameter:
    """An SSM parameter: `{"state": "available" | "disrupted" | "failing", "since": time}`.

    The key is named with each write: without it SSM would take its own (API reference, PutParameter).
    """

    def __init__(self, ssm: Any, name: str, key_id: str) -> None:
        self._ssm = ssm
        self._name = name
        self._key_id = key_id

    def keep(self, state: str, now: datetime) -> bool:
        """Write the state when it changed, with the time; say whether it did. Writing it twice is once."""
        with aws_call("ssm:GetParameter"):
            answer = self._ssm.get_parameter(Name=self._name, WithDecryption=True)
        known = json.loads(answer["Parameter"]["Value"])
        if known["state"] == state:
            return False
        value = json.dumps({"state": state, "since": now.isoformat(timespec="seconds")})
        with aws_call("ssm:PutParameter"):
            self._ssm.put_parameter(
                Name=self._name, Value=value, Type="SecureString", KeyId=self._key_id, Overwrite=True
            )
        return True
