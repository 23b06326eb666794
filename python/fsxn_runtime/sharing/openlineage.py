"""Lineage records as OpenLineage run events, version 2-0-2 of the specification.

An execution is a run of the job that the workload is. A record gives two events: START when the attempt
began, and COMPLETE, FAIL or ABORT when it ended. Only facets of the specification are used; fields that
have no place of their own in it are tags of the run.
Sources: openlineage.io/spec/2-0-2/OpenLineage.json and spec/facets; names of datasets: spec/Naming.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from fsxn_runtime.events import LAST_TIME_US, format_timestamp, parse_timestamp

_SPEC: Final = "https://openlineage.io/spec"
_EVENT_SCHEMA: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
# uuid5(NAMESPACE_URL, "urn:fsxn:lineage:execution"): never to change, or runs would be told twice.
_RUNS: Final = UUID("0a3e9c6f-de33-54f8-ac76-af51b8329bd8")
_INTEGRATION: Final = "FSXN"
# Decisions without an execution (duplicate, filtered) are no runs.
_ENDS: Final[Mapping[str, str]] = {"success": "COMPLETE", "failed": "FAIL", "superseded": "ABORT"}
_TAGS: Final = (
    "status",
    "action",
    "work_key",
    "event_id",
    "step_functions_execution_arn",
    "duration_ms",
    "target_path",
    "output_checksum",
    "fpolicy_sequence_number",
    "guardrail_mode",
    "reason",
    "policy_version",
    "uc_template_version",
    "retention_profile",
    "metadata",
    "schema_version",
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a record does not have.

    `job_namespace` tells installations apart. `files` and `outputs` are the datasets' namespaces:
    `file://HOST` for a file server's paths, `s3://BUCKET` for keys. `producer` is a URI that says what wrote
    the events.
    """

    job_namespace: str
    files: str
    outputs: str
    producer: str


def run_events(record: Mapping[str, Any], names: Names) -> tuple[dict[str, Any], ...]:
    """Give a record's two events, or none when the record is of no run.

    `record` has the fields of a lineage record, or what `for_outside` left of them. The same execution is
    the same run, however often it is exported; under another hash key it is another.
    """
    arn, end = record.get("step_functions_execution_arn"), _ENDS.get(record["status"])
    if not arn or end is None:
        return ()
    began_us = parse_timestamp(record["processing_timestamp"], "processing_timestamp")
    ended_us = min(began_us + record["duration_ms"] * 1_000, LAST_TIME_US - 1)
    run = {"runId": str(uuid5(_RUNS, arn))}
    common = {
        "job": _job(record, names),
        "inputs": _inputs(record, names),
        "producer": names.producer,
        "schemaURL": _EVENT_SCHEMA,
    }
    start = {
        "eventType": "START",
        "eventTime": format_timestamp(began_us),
        "run": run,
        **common,
        "outputs": [],
    }
    done = {
        "eventType": end,
        "eventTime": format_timestamp(ended_us),
        "run": {**run, "facets": _run_facets(record, end, names)},
        **common,
        "outputs": [_dataset(names.outputs, key) for key in record["output_keys"]],
    }
    return start, done


def _job(record: Mapping[str, Any], names: Names) -> dict[str, Any]:
    facets = {
        "jobType": _facet(
            names,
            "2-0-4/JobTypeJobFacet",
            processingType="BATCH",
            integration=_INTEGRATION,
            jobType="WORKLOAD",
        ),
        "documentation": _facet(
            names,
            "1-1-0/DocumentationJobFacet",
            description=f"Workload {record['uc_id']}: work on files of Amazon FSx for NetApp ONTAP",
        ),
    }
    return {"namespace": names.job_namespace, "name": record["uc_id"], "facets": facets}


def _inputs(record: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    dataset = _dataset(names.files, record["source_file_key"])
    checksum = record.get("input_checksum")
    if checksum:
        dataset["facets"] = {
            "version": _facet(names, "1-0-1/DatasetVersionDatasetFacet", datasetVersion=checksum)
        }
    return [dataset]


def _dataset(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name}


def _run_facets(record: Mapping[str, Any], end: str, names: Names) -> dict[str, Any]:
    facets = {"tags": _facet(names, "1-0-0/TagsRunFacet", tags=list(_tags(record)))}
    if end == "FAIL":
        facets["errorMessage"] = _facet(
            names,
            "1-0-1/ErrorMessageRunFacet",
            message=record.get("reason") or "(withheld)",
            programmingLanguage="PYTHON",
        )
    return facets


def _tags(record: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    for name in _TAGS:
        value = record.get(name)
        if value is None or value == {}:
            continue
        text = json.dumps(value, default=str, ensure_ascii=False) if name == "metadata" else str(value)
        yield {"key": name, "value": text, "source": _INTEGRATION}


def _facet(names: Names, schema: str, **fields: Any) -> dict[str, Any]:
    name = schema.partition("/")[2]
    return {
        "_producer": names.producer,
        "_schemaURL": f"{_SPEC}/facets/{schema}.json#/$defs/{name}",
        **fields,
    }
