"""The reconciler's table as Terraform makes it, on the local AWS."""

from __future__ import annotations

from typing import Any


def create_reconcile_table(dynamodb: Any, name: str) -> None:
    """Create the table, which has a key and nothing else."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
