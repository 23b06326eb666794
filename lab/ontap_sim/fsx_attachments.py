"""S3 access points attached to the simulated volumes, as the FSx API describes them.

Shapes: AWS API model of service fsx (DescribeS3AccessPointAttachments). What an attachment does when it fails
is not modelled: its lifecycle and reason are whatever the control interface says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.ontap_sim.fsx_state import FsxError
from lab.ontap_sim.model import SimError

LIFECYCLES: Final = ("AVAILABLE", "CREATING", "DELETING", "FAILED", "MISCONFIGURED", "UPDATING")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment. `vpc_id` "" is Internet origin; the identity is a UNIX user."""

    name: str
    alias: str
    arn: str
    volume_id: str
    lifecycle: str = "AVAILABLE"
    reason: str = ""
    vpc_id: str = ""
    user: str = "lab-reader"

    def __post_init__(self) -> None:
        if self.lifecycle not in LIFECYCLES:
            raise SimError(f"lifecycle is {self.lifecycle!r}; allowed: {', '.join(LIFECYCLES)}")

    def described(self, created: float) -> Json:
        """Give what the API answers."""
        return {
            "CreationTime": created,
            "Lifecycle": self.lifecycle,
            **({"LifecycleTransitionReason": {"Message": self.reason}} if self.reason else {}),
            "Name": self.name,
            "OntapConfiguration": {
                "FileSystemIdentity": {"Type": "UNIX", "UnixUser": {"Name": self.user}},
                "VolumeId": self.volume_id,
            },
            "S3AccessPoint": {
                "Alias": self.alias,
                "ResourceARN": self.arn,
                **({"VpcConfiguration": {"VpcId": self.vpc_id}} if self.vpc_id else {}),
            },
            "Type": "ONTAP",
        }


def selected(attachments: Sequence[Attachment], file_system_id: str, given: Json) -> Sequence[Attachment]:
    """Give the attachments that a request asks for. Raises FsxError as the API does."""
    if "Names" in given:
        by_name = {attachment.name: attachment for attachment in attachments}
        missing = [name for name in given["Names"] if name not in by_name]
        if missing:
            raise FsxError("S3AccessPointAttachmentNotFound", f"There is no attachment {missing[0]!r}.")
        return [by_name[name] for name in given["Names"]]
    for rule in given.get("Filters", []):
        name, values = rule["Name"], rule["Values"]
        if name == "volume-id":
            attachments = [found for found in attachments if found.volume_id in values]
        elif name == "file-system-id":
            attachments = attachments if file_system_id in values else []
        elif name == "type":
            attachments = attachments if "ONTAP" in values else []
        else:
            raise FsxError("BadRequest", f"Filter {name!r} is not supported.")
    return attachments
