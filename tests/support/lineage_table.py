"""The lineage table as Terraform makes it, on the local AWS."""

from __future__ import annotations

from typing import Any


def create_lineage_table(dynamodb: Any, name: str) -> None:
    """Create the table with its three indexes."""

    def index(index_name: str, *keys: str) -> dict[str, Any]:
        return {
            "IndexName": index_name,
            "KeySchema": schema(*keys),
            "Projection": {"ProjectionType": "ALL"},
        }

    def schema(*keys: str) -> list[dict[str, str]]:
        return [
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ]

    names = (
        "source_file_key",
        "processing_timestamp",
        "uc_id",
        "step_functions_execution_arn",
        "write_hour",
    )
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema("source_file_key", "processing_timestamp"),
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in names],
        GlobalSecondaryIndexes=[
            index("uc_id-timestamp-index", "uc_id", "processing_timestamp"),
            index("execution-index", "step_functions_execution_arn"),
            index("write_hour-index", "write_hour", "processing_timestamp"),
        ],
    )
