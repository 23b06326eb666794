"""Looks for secrets in everything that a laboratory wrote: files, log groups, Terraform's state.

What counts as a secret is what the laboratory itself knows: every version of every secret in Secrets Manager,
the passwords of the simulated storage, the keys of the roles. Each is looked for as it is and in the forms in
which a program writes it: in JSON, in a URL, in Base64 as HTTP Basic sends it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from botocore.exceptions import ClientError

from lab.premises import AUTOMATION, FIRST_PASSWORD
from lab.world import World

# Members of a secret's JSON that are none: addresses, names, public certificates.
_PUBLIC: Final = frozenset({"username", "management_ip", "ontap_mgmt_ip", "ca_certificate"})
# Not output: what clients wrote into the volume, the plugins of Terraform, the simulator's own settings.
_OWN_FOLDERS: Final = frozenset({"volume", ".terraform", "plugins"})
_OWN_FILES: Final = frozenset({"ontap-sim.json"})
SHORTEST: Final = 8  # characters; a shorter value would be found by chance


def scan(secrets: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Say which secret is in which place. Pure. Raises ValueError for a value that is too short."""
    if short := sorted(name for name, value in secrets.items() if len(value) < SHORTEST):
        raise ValueError(f"{', '.join(short)}: shorter than {SHORTEST} characters, cannot be looked for")
    forms = {(name, form) for name, value in secrets.items() for form in _forms(value)}
    return sorted(
        {f"{name} is in {place}" for place, content in places for name, form in forms if form in content}
    )


def _forms(value: str) -> Iterator[bytes]:
    yield value.encode()
    yield json.dumps(value)[1:-1].encode()
    yield quote(value, safe="").encode()
    # Base64 has three readings, by how many bytes stand before; the ends depend on the neighbours.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value.encode())
        yield encoded[4 if before else 0 : -4]


def secrets(world: World) -> dict[str, str]:
    """Give every secret that the laboratory knows, by a name that may be shown."""
    known = {"the first password": FIRST_PASSWORD, "fsxadmin's password": world.sim.ready["password"]}
    client = world.client("secretsmanager")
    for entry in client.list_secrets()["SecretList"]:
        name = entry["Name"]
        versions = client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
        for number, version in enumerate(versions, 1):
            try:
                text = client.get_secret_value(SecretId=name, VersionId=version["VersionId"])["SecretString"]
            except ClientError:  # a version without a label may be gone
                continue
            known |= {f"{name} ({member}, version {number})": value for member, value in _members(text)}
    return known


def places(world: World) -> Iterator[tuple[str, bytes]]:
    """Give everything that was written: each file of the laboratory's folder, each log group."""
    for path in sorted(world.directory.rglob("*")):
        parts = path.relative_to(world.directory).parts
        if path.is_file() and not _OWN_FOLDERS & set(parts) and path.name not in _OWN_FILES:
            yield "/".join(parts), path.read_bytes()
    logs = world.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            lines = [event["message"] for each in pages for event in each["events"]]
            yield name, "\n".join(lines).encode()


def _members(text: str) -> Iterator[tuple[str, str]]:
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = {"text": text}
    if not isinstance(value, dict):
        value = {"text": text}
    for member, content in value.items():
        if member not in _PUBLIC and isinstance(content, str) and content != AUTOMATION:
            yield member, content
