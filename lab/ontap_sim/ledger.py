"""The ledger: what really happened, one JSON object a line, appended and never changed.

Every proof compares this file with what arrived elsewhere. A row is in the file (handed to the operating
system) before anything that it speaks of is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab.ontap_sim.asking import PASSES
from lab.ontap_sim.model import Operation

Row = Mapping[str, object]


class Ledger:
    """Append rows to one file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="ascii")

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows in the order given and flush them once."""
        self._file.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def operation_row(operation: Operation, *, monitored: bool, missed: bool = False, status: str = "") -> Row:
    """Describe one operation; `monitored` says that an enabled policy's events and scope want it.

    `missed`: no enabled policy wants it, but a disabled one would. With a status it is one that a synchronous
    policy was asked about: a `refusal` did not happen.
    """
    volume = operation.volume
    refused = status not in ("", *PASSES)
    return {
        "kind": "refusal" if refused else "operation",
        **({"status": status} if status else {}),
        "seq": operation.seq,
        "operation": operation.code,
        "protocol": operation.protocol.name,
        "protocol_version": operation.protocol.version,
        "svm_uuid": volume.svm.uuid,
        "svm_name": volume.svm.name,
        "volume_msid": volume.msid,
        "volume_name": volume.name,
        "path": volume.namespace_path(operation.path),
        "target_path": None if operation.target is None else volume.namespace_path(operation.target),
        "time_us": operation.time_us,
        "client_ip": operation.client.ip,
        "offset": operation.offset,
        "length": None if operation.offset is None else operation.length,  # not of a close
        "monitored": monitored,
        "missed": missed,
    }
