"""What a lineage record costs: writes a second, bytes, write units, and bytes in the archive.

Rates are those of the local DynamoDB, which is one process: they say how a record compares with a bare write
of the same item in the same run, by one caller as in a Lambda. Bytes and units are AWS's own reckoning: UTF-8
of names and values, a unit for each begun KB, in the table and in each index (DynamoDB developer guide).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from boto3.dynamodb.types import TypeSerializer
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.log import set_level
from fsxn_runtime.edge.metrics import Emf
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.lineage import (
    LineageRecord,
    LineageSettings,
    LineageStatus,
    LineageStore,
    LineageTracker,
    RecordResult,
)
from fsxn_runtime.lineage.items import pointers, to_item
from fsxn_runtime.lineage_export.parts import PartBuilder

from lab.cloud.emulator import Emulator
from tools.bench.figures import Figure

TABLE: Final = "bench"
RECORDS: Final = 400
WARM_UP: Final = 50
INDEXES: Final = {
    "uc_id-timestamp-index": ("uc_id", "processing_timestamp"),
    "execution-index": ("step_functions_execution_arn",),
    "write_hour-index": ("write_hour", "processing_timestamp"),
}
# What a record with one output may be: more would be five units where the README says so.
MOST_UNITS: Final = 5
UNIT_BYTES: Final = 1024
EXPORTED: Final = 20_000

Json = dict[str, Any]
_serialize = TypeSerializer().serialize


def measure() -> Json:
    """Measure writes, and reckon sizes."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    set_level("ERROR")
    plain, with_output = record(0), replace(record(0), output_keys=(output_of(0),))
    with Emulator() as cloud:
        dynamodb = cloud.client("dynamodb")
        make_table(dynamodb)
        found: Json = {"rates": rates(dynamodb)}
    return {
        **found,
        "sizes": {"without output": size(plain), "with one output": size(with_output)},
        "archive": archive(),
    }


def failures(found: Json) -> list[str]:
    """Say what is not as it must be: the write units that the README reckons with."""
    units = int(found["sizes"]["with one output"]["write_units"])
    return (
        [] if units <= MOST_UNITS else [f"a record with one output takes {units} units; README: {MOST_UNITS}"]
    )


def record(number: int) -> LineageRecord:
    """Make a record as the content inventory writes it, with a path of 60 bytes."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return LineageRecord(
        source_file_key=f"/vol1/projects/2026/case-{number:08d}/documents/scan.pdf".ljust(60, "x"),
        processing_timestamp=format_timestamp(now_us()),
        uc_id="content-inventory",
        status=LineageStatus.SUCCESS,
        step_functions_execution_arn="arn:aws:states:us-east-1:111122223333:execution:"
        f"fsxn-s3ap-content-inventory:{digest[:40]}-1",
        work_key=digest[:40],
        event_id=digest[:32],
        action="process",
        duration_ms=123,
        input_checksum=digest,
        output_checksum=digest,
        fpolicy_sequence_number=number,
    )


def output_of(number: int) -> str:
    """Make the key of a record's output."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return (
        f"inventory/content-inventory/projects/2026/case-{number:08d}/documents/scan.pdf/{digest[:40]}.json"
    )


def make_table(dynamodb: Any) -> None:
    """Make the table with its indexes."""
    names = {"source_file_key", *(name for keys in INDEXES.values() for name in keys)}
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in sorted(names)],
        KeySchema=keys_of(("source_file_key", "processing_timestamp")),
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": keys_of(keys), "Projection": {"ProjectionType": "ALL"}}
            for name, keys in INDEXES.items()
        ],
    )


def keys_of(names: tuple[str, ...]) -> list[Json]:
    """Give a key schema."""
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    ]


def rates(dynamodb: Any) -> Json:
    """Compare records by the tracker with bare writes of the same items, one caller each."""
    tracker = LineageTracker(
        LineageSettings(TABLE, 365, "Bench"),
        store=LineageStore(dynamodb, TABLE),
        emf=Emf("Bench", write=lambda _: None),
    )

    def bare(number: int) -> Callable[[], object]:
        item = {name: _serialize(value) for name, value in to_item(record(number), now_us(), 365).items()}
        return lambda: dynamodb.put_item(TableName=TABLE, Item=item)

    def stored(number: int, outputs: tuple[str, ...]) -> Callable[[], object]:
        made = replace(record(number), output_keys=outputs)
        return lambda: expect(tracker.record(made))

    ways: dict[str, Callable[[int], Callable[[], object]]] = {
        "bare write of the item": bare,
        "record without output": lambda number: stored(number + 10**6, ()),
        "record with one output": lambda number: stored(number + 2 * 10**6, (output_of(number),)),
    }
    spent = dict.fromkeys(ways, 0.0)
    for number in range(WARM_UP + RECORDS):  # in turn, so that what slows the machine slows all of them
        for name, way in ways.items():
            once = way(number)
            began = time.perf_counter()
            once()
            spent[name] += time.perf_counter() - began if number >= WARM_UP else 0.0
    base = spent["bare write of the item"]
    return {
        name: {"per_second": round(RECORDS / seconds, 1), "ratio": round(base / seconds, 3)}
        for name, seconds in spent.items()
    }


def expect(result: RecordResult) -> None:
    """Stop when a record was not stored: its time would say nothing."""
    if not result.stored:
        raise SystemExit(f"a record was not stored: {result.message}")


def size(made: LineageRecord) -> Json:
    """Reckon a record's bytes and write units: the item in the table and in each index, and its pointers."""
    item = to_item(made, now_us(), 365)
    units = -(-size_of(item) // UNIT_BYTES) * (1 + len(INDEXES))
    small = [size_of(pointer) for pointer in pointers(item)]
    return {
        "bytes": size_of(item),
        "pointer_bytes": sum(small),
        "write_units": units + sum(-(-each // UNIT_BYTES) for each in small),
    }


def size_of(item: Mapping[str, Any]) -> int:
    """Reckon an item's bytes as DynamoDB does."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: object) -> int:
    """Reckon a value: text by its bytes, a number by its digits, a list by its parts and a frame."""
    if isinstance(value, list):
        return 3 + sum(1 + value_bytes(each) for each in value)
    if isinstance(value, int):
        return len(str(value)) // 2 + 1
    return len(str(value).encode())


def archive() -> Json:
    """Pack records as the export does, and say what one takes in S3."""
    builder = PartBuilder(max_rows=EXPORTED)
    rows = [to_item(replace(record(n), output_keys=(output_of(n),)), now_us(), 365) for n in range(EXPORTED)]
    began = time.perf_counter()
    for row in rows:
        builder.add(row)
    part = builder.build()
    seconds = time.perf_counter() - began
    return {
        "records": EXPORTED,
        "bytes_each": round(len(part.body) / EXPORTED, 1),
        "packed_per_second": round(EXPORTED / seconds),
    }


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    bare = "bare write of the item"
    for name, each in found["rates"].items():
        if name != bare:
            rate = found["rates"][bare]["per_second"]
            yield Figure("lineage records a second", name, each["per_second"], bare, rate)


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    yield f"{'lineage writes a second, 1 caller':<34}{'rate':>12}{'to bare':>12}"
    for name, each in found["rates"].items():
        yield f"  {name:<32}{each['per_second']:>12,.0f}{each['ratio']:>12.2f}"
    yield f"{'a lineage record':<34}{'bytes':>12}{'write units':>12}"
    for name, each in found["sizes"].items():
        yield f"  {name:<32}{each['bytes'] + each['pointer_bytes']:>12,}{each['write_units']:>12}"
    packed = found["archive"]
    rate = f"{packed['packed_per_second']:,}"
    yield f"in the archive: {packed['bytes_each']:.0f} bytes a record, packed {rate} a second"
