"""Alerts about guardrails: one SNS topic, never in the way of the action."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.log import logger

_log = logger("guardrails")


class Alerts:
    """Publishes to one topic. Without a topic every alert is a log line only."""

    def __init__(self, sns: Any, topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def send(self, subject: str, **fields: object) -> bool:
        """Tell people; say whether the topic took it. Never raises: an alert must not block what it tells.

        `subject` has at most 100 ASCII characters (SNS API model).
        """
        return self.send_secret(subject, fields, {})

    def send_secret(self, subject: str, fields: Mapping[str, object], secret: Mapping[str, str]) -> bool:
        """Tell people as `send` does, and keep `secret` out of the log."""
        _log.warning("alert.raised", subject=subject, **fields)
        if not self._topic_arn:
            return False
        try:
            with aws_call("sns:Publish"):
                self._sns.publish(
                    TopicArn=self._topic_arn,
                    Subject=subject,
                    Message=json.dumps({"subject": subject, **fields, **secret}, default=str, indent=2),
                )
        except Exception as exc:  # noqa: BLE001 - see the docstring
            _log.error("alert.lost", error=exc, subject=subject)
            return False
        return True
