"""What the export reads and writes: rows of an hour, its own state, the archive in S3, signatures.

The state table has one item `STATE` and one `HOUR#<hour>` for each hour that was begun. Who exports holds a
lease in `STATE`; every write of it is conditional on the version that was read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

from fsxn_runtime.edge.aws_errors import aws_call, error_code, from_client_error
from fsxn_runtime.errors import ConflictError, FsxnError, TransientError
from fsxn_runtime.lineage_export.model import ALGORITHM, HourState, Kind, Pending, State

HOUR_INDEX: Final = "write_hour-index"
_CHUNK_BYTES: Final = 1 << 20
_ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class Rows:
    """The lineage table's rows by hour of writing."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self.table = table

    def of_hour(self, hour: str, resume: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the rows of an hour in the index's order, from behind `resume`, a page at a time."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": HOUR_INDEX,
            "KeyConditionExpression": "write_hour = :hour",
            "ExpressionAttributeValues": {":hour": {"S": hour}},
        }
        if resume:
            request["ExclusiveStartKey"] = {name: {"S": value} for name, value in resume.items()}
        while True:
            with aws_call("dynamodb:Query"):
                page = self._dynamodb.query(**request)
            for item in page["Items"]:
                yield {name: _deserialize(value) for name, value in item.items()}
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


class ExportTable:
    """The export's state."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def state(self) -> State | None:
        """Read where the export stands; None before the first run."""
        item = self._get("STATE")
        if item is None:
            return None
        return State(
            version=int(item["version"]),
            start_hour=item["start_hour"],
            sealed_through=item.get("sealed_through", ""),
            sequence=int(item["sequence"]),
            head_sha256=item["head_sha256"],
            pending=_pending(json.loads(item["pending"])) if item.get("pending") else None,
        )

    def begin(self, state: State) -> None:
        """Write the first state, unless another run did."""
        item = _stored({"pk": "STATE", **_state_values(state)})
        try:
            with aws_call("dynamodb:PutItem"):
                self._dynamodb.put_item(
                    TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
                )
        except ConflictError:
            pass  # the caller reads it again

    def lease(self, owner: str, now_us: int, until_us: int) -> None:
        """Take the right to export. Raises ConflictError while another run has it."""
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": "STATE"}},
                    UpdateExpression="SET lease_owner = :owner, lease_until_us = :until",
                    ConditionExpression=(
                        "attribute_exists(pk) AND (attribute_not_exists(lease_until_us) "
                        "OR lease_until_us < :now OR lease_owner = :owner)"
                    ),
                    ExpressionAttributeValues=_stored({":owner": owner, ":until": until_us, ":now": now_us}),
                )
        except ConflictError as exc:
            raise ConflictError(
                "another export runs, or one died within the last 16 minutes; try again then",
                code="export_runs",
            ) from exc

    def release(self, owner: str) -> None:
        """Give the right back; nothing when it has passed to another."""
        try:
            with aws_call("dynamodb:UpdateItem"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": "STATE"}},
                    UpdateExpression="REMOVE lease_owner, lease_until_us",
                    ConditionExpression="lease_owner = :owner",
                    ExpressionAttributeValues=_stored({":owner": owner}),
                )
        except ConflictError:
            pass

    def announce(self, state: State, pending: Pending) -> State:
        """Write down the part that is uploaded next. Raises ConflictError when another run wrote."""
        following = replace(state, version=state.version + 1, pending=pending)
        with aws_call("dynamodb:UpdateItem"):
            self._dynamodb.update_item(**self._state_update(state, following))
        return following

    def advance(self, state: State, following: State, hour: HourState) -> None:
        """Move on in one write: the state and what is exported of the hour."""
        item = _stored(
            {
                "pk": f"HOUR#{hour.hour}",
                "is_sealed": hour.is_sealed,
                "parts": hour.parts,
                "late_parts": hour.late_parts,
                "count": hour.count,
                "digest": f"{hour.digest:064x}",
                "resume": json.dumps(hour.resume) if hour.resume else "",
                "keys": list(hour.keys),
            }
        )
        steps = [
            {"Update": self._state_update(state, following)},
            {"Put": {"TableName": self._table, "Item": item}},
        ]
        with aws_call("dynamodb:TransactWriteItems"):
            try:
                self._dynamodb.transact_write_items(TransactItems=steps)
            except ClientError as exc:
                raise _refused(exc) from exc

    def hour(self, hour: str) -> HourState:
        """Read what is exported of an hour."""
        item = self._get(f"HOUR#{hour}")
        if item is None:
            return HourState(hour)
        return HourState(
            hour=hour,
            is_sealed=item["is_sealed"],
            parts=int(item["parts"]),
            late_parts=int(item["late_parts"]),
            count=int(item["count"]),
            digest=int(item["digest"], 16),
            resume=json.loads(item["resume"]) if item["resume"] else None,
            keys=tuple(item["keys"]),
        )

    def _get(self, pk: str) -> dict[str, Any] | None:
        with aws_call("dynamodb:GetItem"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"pk": {"S": pk}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else {name: _deserialize(value) for name, value in item.items()}

    def _state_update(self, seen: State, following: State) -> dict[str, Any]:
        values = _state_values(following)
        names = {f"#{name}": name for name in values}
        return {
            "TableName": self._table,
            "Key": {"pk": {"S": "STATE"}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            "ConditionExpression": "#version = :seen",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": _stored(
                {":seen": seen.version, **{f":{name}": value for name, value in values.items()}}
            ),
        }


class Archive:
    """The bucket. Nothing in it is ever written over: every write is one that finds nothing there."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def put_once(self, key: str, data: bytes, sha256: str, content_type: str) -> str | None:
        """Write an object; give its version, or None when there is one of that name."""
        try:
            with aws_call("s3:PutObject"):
                answer = self._s3.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=data,
                    ContentType=content_type,
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                    IfNoneMatch="*",
                )
        except ConflictError:
            return None
        return str(answer.get("VersionId", ""))

    def open(self, key: str, version_id: str = "") -> tuple[Iterator[bytes], str] | None:
        """Give an object's chunks and its version; None when it, or that version of it, is not there."""
        which = {"VersionId": version_id} if version_id else {}
        with aws_call("s3:GetObject"):
            try:
                answer = self._s3.get_object(Bucket=self.bucket, Key=key, **which)
            except ClientError as exc:
                if error_code(exc) in _ABSENT:
                    return None
                raise
        return _chunks(answer["Body"]), str(answer.get("VersionId", ""))

    def read(self, key: str, version_id: str = "") -> tuple[bytes, str] | None:
        """Give a small object, or a part that was made in memory, at once."""
        found = self.open(key, version_id)
        return None if found is None else (b"".join(found[0]), found[1])

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the names below a prefix, in order."""
        with aws_call("s3:ListBucket"):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (entry["Key"] for entry in page.get("Contents", []))


class Signer:
    """KMS: the private key never leaves it."""

    def __init__(self, kms: Any, key: str) -> None:
        self._kms = kms
        self.key = key

    def sign(self, sha256: str) -> bytes:
        """Sign a digest."""
        with aws_call("kms:Sign"):
            answer = self._kms.sign(
                KeyId=self.key,
                Message=bytes.fromhex(sha256),
                MessageType="DIGEST",
                SigningAlgorithm=ALGORITHM,
            )
        return bytes(answer["Signature"])

    def public_key(self) -> bytes:
        """Give the public half as DER."""
        with aws_call("kms:GetPublicKey"):
            return bytes(self._kms.get_public_key(KeyId=self.key)["PublicKey"])


def _chunks(body: Any) -> Iterator[bytes]:
    try:
        with aws_call("s3:GetObject"):
            yield from body.iter_chunks(_CHUNK_BYTES)
    except HTTPError as exc:  # what urllib3 says of a body that broke off
        raise TransientError(f"the body of s3:GetObject broke off: {exc}", code="body_broken") from exc


def _refused(exc: ClientError) -> FsxnError:
    """Say what a cancelled transaction means; its own code says nothing."""
    reasons = {str(reason.get("Code")) for reason in exc.response.get("CancellationReasons", [])}
    what = f"dynamodb:TransactWriteItems was cancelled: {', '.join(sorted(reasons))}"
    if "ConditionalCheckFailed" in reasons:
        return ConflictError(what, code="aws_condition")
    if reasons & {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}:
        return TransientError(what, code="aws_busy")
    return from_client_error("dynamodb:TransactWriteItems", exc)


def _stored(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(value) for name, value in item.items()}


def _state_values(state: State) -> dict[str, Any]:
    return {
        "version": state.version,
        "start_hour": state.start_hour,
        "sealed_through": state.sealed_through,
        "sequence": state.sequence,
        "head_sha256": state.head_sha256,
        "pending": json.dumps(asdict(state.pending)) if state.pending else "",
    }


def _pending(found: dict[str, Any]) -> Pending:
    return Pending(**{**found, "kind": Kind(found["kind"])})
