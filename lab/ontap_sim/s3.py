"""The local AWS behind the S3 face: objects, the bucket with its delegating policy, and the access point."""

from __future__ import annotations

import json
from typing import BinaryIO
from xml.etree import ElementTree

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config as ClientConfig
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from lab.ontap_sim.config import S3Connection
from lab.ontap_sim.mirror import MirrorError
from lab.ontap_sim.model import S3Face, SimError


class S3:
    """Objects and access points of one local AWS."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self._client = boto3.client(
            "s3",
            endpoint_url=connection.endpoint,
            region_name=connection.region,
            aws_access_key_id=connection.access_key,
            aws_secret_access_key=connection.secret_key,
            config=ClientConfig(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 3},
                max_pool_connections=connection.threads,
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
            ),
        )

    def put(self, bucket: str, key: str, body: bytes | BinaryIO) -> None:
        """Store an object."""
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as exc:
            raise MirrorError(f"put {bucket}/{key}: {exc}") from exc

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, there or not."""
        try:
            self._client.delete_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError) as exc:
            raise MirrorError(f"delete {bucket}/{key}: {exc}") from exc

    def create_face(self, face: S3Face) -> dict[str, str]:
        """Make bucket, bucket policy and access point, or find them; return name, alias and ARN.

        The policy hands every decision to the account's access points (S3 user guide, "Delegating access
        control to access points"), so that a role needs permission on the access point only.
        """
        connection = self._connection
        try:
            self._client.create_bucket(Bucket=face.bucket)
        except self._client.exceptions.BucketAlreadyOwnedByYou:
            pass  # kept from an earlier start
        arn = f"arn:aws:s3:::{face.bucket}"
        statement = {
            "Sid": "DelegateToAccessPoints",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"StringEquals": {"s3:DataAccessPointAccount": connection.account}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self._client.put_bucket_policy(Bucket=face.bucket, Policy=json.dumps(policy))
        body = f"<CreateAccessPointRequest><Bucket>{face.bucket}</Bucket></CreateAccessPointRequest>"
        self._control("PUT", face, body)
        described = ElementTree.fromstring(self._control("GET", face, ""))  # noqa: S314 (our own local AWS)
        texts = {node.tag.rpartition("}")[2]: node.text or "" for node in described.iter()}
        return {
            "name": face.access_point,
            "alias": texts["Alias"],
            "arn": texts["AccessPointArn"],
            "bucket": face.bucket,
        }

    def _control(self, method: str, face: S3Face, body: str) -> bytes:
        """Call S3 Control by hand: boto3 puts the account before the host, which an address cannot have."""
        connection = self._connection
        url = f"{connection.endpoint}/v20180820/accesspoint/{face.access_point}"
        request = AWSRequest(method, url, {"x-amz-account-id": connection.account}, body.encode())
        credentials = Credentials(connection.access_key, connection.secret_key)
        SigV4Auth(credentials, "s3", connection.region).add_auth(request)
        answer = urllib3.request(method, url, headers=dict(request.headers), body=request.data, timeout=10)
        exists = method == "PUT" and answer.status == 409  # kept from an earlier start
        if answer.status >= 300 and not exists:
            raise SimError(f"access point {face.access_point}: {answer.status} {answer.data[:300]!r}")
        return answer.data
