"""Whether people may be told now, and the telling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.errors import ConflictError


class Window:
    """One item: until when people are not told again, and which work told them last."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def claim(self, work_key: str, now: int, window: int) -> bool:
        """Say whether this work tells people, by one conditional write (times in seconds since 1970).

        The work that has claimed the window may claim it again: had it died before it told anybody, nobody
        else would. So people can be told twice by one work, and never by none.
        """
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": "WINDOW"}},
                    UpdateExpression="SET ends_at = :ends, work_key = :key",
                    ConditionExpression="attribute_not_exists(pk) OR ends_at <= :now OR work_key = :key",
                    ExpressionAttributeValues={
                        ":ends": {"N": str(now + window)},
                        ":now": {"N": str(now)},
                        ":key": {"S": work_key},
                    },
                )
        except ConflictError:
            return False
        return True


class Topic:
    """Where people are told."""

    def __init__(self, sns: Any, arn: str) -> None:
        self._sns = sns
        self._arn = arn

    def tell(self, message: Mapping[str, Any]) -> None:
        """Publish. Raises when the topic does not take it: the step is tried again then."""
        with aws_call("sns:Publish"):
            self._sns.publish(
                TopicArn=self._arn, Subject=message["subject"], Message=json.dumps(message, indent=2)
            )
