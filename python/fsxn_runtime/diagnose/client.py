"""What AWS says of an access point, and answers through it. What cannot be read is noted, not raised."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from fsxn_runtime.diagnose.model import Attachment, Call, Evidence, Target, Volume
from fsxn_runtime.edge.access_point_errors import reason_of
from fsxn_runtime.edge.aws_errors import error_code, failure_parts

Clients = Callable[[str], Any]

_LISTED: Final = 20  # enough to find a file among directories


class Prober:
    """Collects the evidence of one access point. Clients come from a function of the service's name."""

    def __init__(self, clients: Clients, s3: Any, target: Target) -> None:
        self._clients = clients
        self._s3 = s3
        self._target = target
        self._unread: dict[str, str] = {}

    def collect(
        self, *, actions: Mapping[str, str], key: str, write_key: str, role_arn: str, caller_vpc: str
    ) -> Evidence:
        """Read and try everything. `actions` is IAM's action of each call; "" leaves out what it names."""
        attachment = self._attachment()
        arn = self._target.arn or (attachment.arn if attachment else "")
        denials = self._policy_denials(arn)
        bucket = attachment.alias if attachment else self._target.text
        calls = self._calls(
            bucket,
            key,
            write_key,
            is_vpc_origin=bool(attachment and attachment.vpc_id),
            policy_denies=None if denials is None else bool(denials),
        )
        identity = role_arn or self._caller()
        wanted = {actions[call.operation] for call in calls if call.operation in actions}
        return Evidence(
            target=self._target.text,
            calls=calls,
            attachment=attachment,
            volume=self._volume(attachment.volume_id) if attachment else None,
            caller_vpc=caller_vpc,
            policy_denials=denials,
            identity=identity,
            is_caller=not role_arn,
            decisions=self._simulated(identity, arn, sorted(wanted), key or "fsxn-diagnose"),
            unread=self._unread,
        )

    def _read(self, what: str, call: Callable[[], Any]) -> Any:
        """Call AWS; None with a note when it does not answer what was asked."""
        try:
            return call()
        except (ClientError, BotoCoreError) as exc:
            self._unread[what] = str(exc)
            return None

    def _attachment(self) -> Attachment | None:
        """Find the attachment by name, or by alias among all of this account and Region."""
        name = self._target.name or self._target.arn.rpartition("/")[2]
        pages = self._clients("fsx").get_paginator("describe_s3_access_point_attachments").paginate()
        answer = self._read("fsx:DescribeS3AccessPointAttachments", pages.build_full_result) or {}
        for found in answer.get("S3AccessPointAttachments", []):
            access_point = found.get("S3AccessPoint", {})
            if name == found["Name"] or (
                self._target.alias and self._target.alias == access_point.get("Alias")
            ):
                return _attachment(found, access_point)
        return None

    def _volume(self, volume_id: str) -> Volume | None:
        fsx = self._clients("fsx")
        answer = self._read("fsx:DescribeVolumes", lambda: fsx.describe_volumes(VolumeIds=[volume_id]))
        if not answer or not answer["Volumes"]:
            return None
        found = answer["Volumes"][0]
        settings = found.get("OntapConfiguration", {})
        svm_id = settings.get("StorageVirtualMachineId", "")
        svms = self._read(
            "fsx:DescribeStorageVirtualMachines",
            lambda: fsx.describe_storage_virtual_machines(StorageVirtualMachineIds=[svm_id]),
        )
        in_domain = None
        if svms and svms["StorageVirtualMachines"]:
            in_domain = bool(svms["StorageVirtualMachines"][0].get("ActiveDirectoryConfiguration"))
        return Volume(str(found.get("Lifecycle", "")), str(settings.get("JunctionPath", "")), in_domain)

    def _policy_denials(self, arn: str) -> tuple[str, ...] | None:
        """Name the Deny statements of the access point's policy; none when there is no policy."""
        what = "s3:GetAccessPointPolicy"
        if not arn:
            self._unread[what] = "the access point's ARN is not known"
            return None
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        try:
            answer = self._clients("s3control").get_access_point_policy(AccountId=account, Name=name)
        except ClientError as exc:
            if error_code(exc) == "NoSuchAccessPointPolicy":
                return ()
            self._unread[what] = str(exc)
            return None
        except BotoCoreError as exc:
            self._unread[what] = str(exc)
            return None
        statements = json.loads(answer["Policy"])["Statement"]
        listed = statements if isinstance(statements, list) else [statements]
        return tuple(str(one.get("Sid", "without Sid")) for one in listed if one["Effect"] == "Deny")

    def _caller(self) -> str:
        """Give the ARN that IAM can simulate for the caller: the role of an assumed one."""
        answer = self._read("sts:GetCallerIdentity", lambda: self._clients("sts").get_caller_identity())
        arn = str(answer["Arn"]) if answer else ""
        if ":assumed-role/" not in arn:
            return arn
        role = arn.split("/")[1]
        found = self._read("iam:GetRole", lambda: self._clients("iam").get_role(RoleName=role))
        return str(found["Role"]["Arn"]) if found else ""

    def _simulated(self, identity: str, arn: str, actions: Sequence[str], key: str) -> dict[str, str]:
        """Ask IAM what the identity's own policies decide, by action."""
        what = "iam:SimulatePrincipalPolicy"
        if not identity or not arn or identity.endswith(":root"):
            self._unread.setdefault(what, "there is no role or user to simulate, or no ARN to simulate it on")
            return {}
        decisions: dict[str, str] = {}
        for action in actions:
            asked = {
                "PolicySourceArn": identity,
                "ActionNames": [action],
                "ResourceArns": [arn if action == "s3:ListBucket" else f"{arn}/object/{key}"],
            }
            answer = self._read(what, partial(self._clients("iam").simulate_principal_policy, **asked))
            if answer is None:
                return {}
            decisions[action] = str(answer["EvaluationResults"][0]["EvalDecision"])
        return decisions

    def _calls(
        self, bucket: str, key: str, write_key: str, *, is_vpc_origin: bool, policy_denies: bool | None
    ) -> tuple[Call, ...]:
        """Call through the access point: head, list, read, and with `write_key` write and delete."""
        calls: list[Call] = []

        def attempt(operation: str, call: Callable[[], Any]) -> Any:
            try:
                answer = call()
            except (ClientError, BotoCoreError) as exc:
                status, code, message = failure_parts(exc)
                reason = reason_of(
                    operation,
                    status,
                    code,
                    message,
                    is_vpc_origin=is_vpc_origin,
                    policy_denies=policy_denies,
                )
                calls.append(Call(operation, reason.value, f"{code}: {message}"))
                return None
            calls.append(Call(operation))
            return answer

        attempt("HeadBucket", lambda: self._s3.head_bucket(Bucket=bucket))
        listed = attempt("ListObjectsV2", lambda: self._s3.list_objects_v2(Bucket=bucket, MaxKeys=_LISTED))
        files = [item["Key"] for item in (listed or {}).get("Contents", []) if not item["Key"].endswith("/")]
        key = key or next(iter(files), "")
        if key:
            attempt("GetObject", lambda: self._s3.get_object(Bucket=bucket, Key=key)["Body"].read(1))
        if write_key and attempt(
            "PutObject", lambda: self._s3.put_object(Bucket=bucket, Key=write_key, Body=b"fsxn diagnose\n")
        ):
            attempt("DeleteObject", lambda: self._s3.delete_object(Bucket=bucket, Key=write_key))
        return tuple(calls)


def _attachment(found: Mapping[str, Any], access_point: Mapping[str, Any]) -> Attachment:
    settings = found.get("OntapConfiguration", {})
    identity = settings.get("FileSystemIdentity", {})
    user = identity.get("UnixUser") or identity.get("WindowsUser") or {}
    return Attachment(
        name=str(found["Name"]),
        alias=str(access_point.get("Alias", "")),
        arn=str(access_point.get("ResourceARN", "")),
        lifecycle=str(found.get("Lifecycle", "")),
        reason=str(found.get("LifecycleTransitionReason", {}).get("Message", "")),
        volume_id=str(settings.get("VolumeId", "")),
        vpc_id=str(access_point.get("VpcConfiguration", {}).get("VpcId", "")),
        identity=f"{identity.get('Type', '?')} user {user.get('Name', '?')}",
    )
