"""The FSx API (AWS JSON 1.1) of the simulated file system: describe, and update sizes.

Shapes and errors: AWS API model of service fsx. Signatures are not checked: no permission is proven here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lab.ontap_sim.faults import Fault
from lab.ontap_sim.fsx_attachments import Attachment, selected
from lab.ontap_sim.fsx_state import MIB, FsxError, FsxState, FsxVolume
from lab.ontap_sim.http import HttpRequest, HttpResponse

_TARGET: Final = "AWSSimbaAPIService_v20180301."
_PAGE: Final = 100

Json = Mapping[str, Any]
ResetPassword = Callable[[str | None, str, str], None]  # owner's UUID (None: the file system), name, password


class FsxApi:
    """Answer requests of an AWS SDK."""

    def __init__(
        self,
        state: FsxState,
        clock: Callable[[], float],
        account: str,
        region: str,
        reset_password: ResetPassword,
    ) -> None:
        self._state = state
        self._clock = clock
        self._arn = f"arn:aws:fsx:{region}:{account}:"
        self._account = account
        self._created = clock()
        self._reset_password = reset_password
        self.attachments: dict[str, Attachment] = {}
        self._operations: Mapping[str, Callable[[Json], Json]] = {
            "DescribeFileSystems": self._describe_file_systems,
            "DescribeS3AccessPointAttachments": self._describe_attachments,
            "DescribeStorageVirtualMachines": self._describe_svms,
            "DescribeVolumes": self._describe_volumes,
            "UpdateFileSystem": self._update_file_system,
            "UpdateStorageVirtualMachine": self._update_svm,
            "UpdateVolume": self._update_volume,
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; what is refused is HTTP 400 with the error's name, as AWS answers."""
        name = action_of(request)
        try:
            if name not in self._operations:
                raise FsxError("UnsupportedOperation", f"The laboratory has no {name or 'such operation'}.")
            return HttpResponse(200, self._operations[name](json.loads(request.body or b"{}")))
        except FsxError as exc:
            return HttpResponse(400, {"__type": exc.code, "Message": str(exc)})
        except (ValueError, TypeError, KeyError) as exc:
            return HttpResponse(400, {"__type": "BadRequest", "Message": f"{type(exc).__name__}: {exc}"})

    def _describe_file_systems(self, given: Json) -> Json:
        for wanted in given.get("FileSystemIds", []):
            self._check_file_system(wanted)
        return {"FileSystems": [self._file_system()]}

    def _describe_attachments(self, given: Json) -> Json:
        found = selected(list(self.attachments.values()), self._state.file_system_id, given)
        return _page("S3AccessPointAttachments", [one.described(self._created) for one in found], given)

    def _describe_svms(self, given: Json) -> Json:
        wanted = given.get("StorageVirtualMachineIds")
        found = {volume.svm_id: self._svm(volume) for volume in self._filtered(given)}
        return _page("StorageVirtualMachines", [found[i] for i in found if not wanted or i in wanted], given)

    def _describe_volumes(self, given: Json) -> Json:
        if "VolumeIds" in given:
            found = [self._state.volume(volume_id) for volume_id in given["VolumeIds"]]
        else:
            found = self._filtered(given)
        return _page("Volumes", [self._volume(volume) for volume in found], given)

    def _update_file_system(self, given: Json) -> Json:
        self._check_file_system(given["FileSystemId"])
        _only(given, {"ClientRequestToken", "FileSystemId", "OntapConfiguration", "StorageCapacity"})
        settings = given.get("OntapConfiguration", {})
        _only(settings, {"FsxAdminPassword"})
        if "FsxAdminPassword" in settings:
            self._reset_password(None, "fsxadmin", _password("FsxAdminPassword", settings))
        if "StorageCapacity" in given or not settings:
            self._state.grow(int(given["StorageCapacity"]), self._clock())
        return {"FileSystem": self._file_system()}

    def _update_svm(self, given: Json) -> Json:
        _only(given, {"ClientRequestToken", "StorageVirtualMachineId", "SvmAdminPassword"})
        for volume in self._state.volumes:
            if volume.svm_id == given["StorageVirtualMachineId"]:
                password = _password("SvmAdminPassword", given)
                self._reset_password(volume.content.volume.svm.uuid, "vsadmin", password)
                return {"StorageVirtualMachine": self._svm(volume)}
        wanted = given["StorageVirtualMachineId"]
        raise FsxError("StorageVirtualMachineNotFound", f"Storage virtual machine '{wanted}' does not exist.")

    def _update_volume(self, given: Json) -> Json:
        _only(given, {"ClientRequestToken", "VolumeId", "OntapConfiguration"})
        settings = given["OntapConfiguration"]
        _only(settings, {"SizeInBytes", "SizeInMegabytes"})
        if len(settings) != 1:
            raise FsxError("BadRequest", "Give one of SizeInBytes and SizeInMegabytes.")
        size = settings["SizeInBytes"] if "SizeInBytes" in settings else settings["SizeInMegabytes"] * MIB
        return {"Volume": self._volume(self._state.resize(given["VolumeId"], int(size), self._clock()))}

    def _check_file_system(self, wanted: str) -> None:
        if wanted != self._state.file_system_id:
            raise FsxError("FileSystemNotFound", f"File system '{wanted}' does not exist.")

    def _filtered(self, given: Json) -> list[FsxVolume]:
        found = self._state.volumes
        for rule in given.get("Filters", []):
            if rule["Name"] == "file-system-id":
                found = found if self._state.file_system_id in rule["Values"] else []
            elif rule["Name"] == "storage-virtual-machine-id":
                found = [volume for volume in found if volume.svm_id in rule["Values"]]
            else:
                raise FsxError("BadRequest", f"Filter {rule['Name']!r} is not supported.")
        return found

    def _file_system(self) -> Json:
        now, state = self._clock(), self._state
        return {
            "AdministrativeActions": state.file_system_actions(now),
            "CreationTime": self._created,
            "FileSystemId": state.file_system_id,
            "FileSystemType": "ONTAP",
            "Lifecycle": "AVAILABLE",
            "OntapConfiguration": {
                "DeploymentType": "MULTI_AZ_1",
                "Endpoints": {"Management": _endpoint(f"management.{state.file_system_id}")},
                "HAPairs": 1,
                "ThroughputCapacity": 128,
            },
            "OwnerId": self._account,
            "ResourceARN": f"{self._arn}file-system/{state.file_system_id}",
            "StorageCapacity": state.capacity_gib(now),
            "StorageType": "SSD",
            "Tags": [],
        }

    def _svm(self, volume: FsxVolume) -> Json:
        svm = volume.content.volume.svm
        return {
            "CreationTime": self._created,
            "Endpoints": {"Management": _endpoint(f"{volume.svm_id}.{self._state.file_system_id}")},
            "FileSystemId": self._state.file_system_id,
            "Lifecycle": "CREATED",
            "Name": svm.name,
            "ResourceARN": (
                f"{self._arn}storage-virtual-machine/{self._state.file_system_id}/{volume.svm_id}"
            ),
            "StorageVirtualMachineId": volume.svm_id,
            "Subtype": "DEFAULT",
            "UUID": svm.uuid,
        }

    def _volume(self, volume: FsxVolume) -> Json:
        content = volume.content
        return {
            "AdministrativeActions": [
                {
                    "AdministrativeActionType": "VOLUME_UPDATE",
                    "RequestTime": at,
                    "Status": "COMPLETED",
                    "TargetVolumeValues": {"OntapConfiguration": {"SizeInBytes": size}},
                }
                for at, size in reversed(volume.updates)
            ],
            "CreationTime": self._created,
            "FileSystemId": self._state.file_system_id,
            "Lifecycle": "CREATED",
            "Name": content.volume.name,
            "OntapConfiguration": {
                **({} if volume.unmounted else {"JunctionPath": content.volume.junction_path}),
                "OntapVolumeType": "RW",
                "SizeInBytes": content.size_bytes,
                "SizeInMegabytes": content.size_bytes // MIB,
                "StorageVirtualMachineId": volume.svm_id,
                "StorageVirtualMachineRoot": False,
                "UUID": content.volume.uuid,
                "VolumeStyle": "FLEXVOL",
            },
            "ResourceARN": f"{self._arn}volume/{self._state.file_system_id}/{volume.volume_id}",
            "VolumeId": volume.volume_id,
            "VolumeType": "ONTAP",
        }


def _page(name: str, found: Sequence[Json], given: Json) -> Json:
    start, size = int(given.get("NextToken", 0)), int(given.get("MaxResults", _PAGE))
    answer: dict[str, Any] = {name: found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return answer


def action_of(request: HttpRequest) -> str:
    """Name the API action that a request wants."""
    return request.headers.get("x-amz-target", "").removeprefix(_TARGET)


def failure(fault: Fault) -> HttpResponse:
    """Build the answer of a service that fails on purpose."""
    code = "ThrottlingException" if fault.status in (400, 429) else "InternalServerError"
    return HttpResponse(fault.status, {"__type": code, "Message": "The service fails on purpose."})


def _endpoint(name: str) -> Json:
    """Give an endpoint as AWS does: without a port, which is another one in the laboratory."""
    return {"DNSName": f"{name}.fsx.us-east-1.amazonaws.com", "IpAddresses": ["127.0.0.1"]}


def _password(name: str, given: Json) -> str:
    """Check the only rule that the API model has: 8 to 50 characters. ONTAP's own rules come later."""
    password = given[name]
    if not isinstance(password, str) or not 8 <= len(password) <= 50:
        raise FsxError("BadRequest", f"{name} must have 8 to 50 characters.")
    return password


def _only(given: Json, allowed: set[str]) -> None:
    unknown = sorted(given.keys() - allowed)
    if unknown:
        raise FsxError("UnsupportedOperation", f"The laboratory does not update {', '.join(unknown)}.")
