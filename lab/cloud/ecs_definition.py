"""From a task definition to what a local process needs: command, environment, ports, secrets."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.cloud.clients import Credentials
from lab.cloud.emulator import ROOT_DIRECTORY, Emulator

# The two settings whose host part is replaced by the task's address, with the server's own defaults:
# on Fargate each task has its own network and listens on all of it; here tasks share one machine.
LISTEN_SETTINGS = {"FPOLICY_LISTEN": "0.0.0.0:9898", "FPOLICY_HEALTH_LISTEN": "0.0.0.0:9899"}
FIRST_HOST, LAST_HOST = 11, 250  # of this process's network


class DefinitionError(Exception):
    """A task cannot start from this definition; the text is its stopped reason."""


@dataclass(frozen=True, slots=True)
class Image:
    """What the laboratory knows of an image: where its programs are, and what it runs by default."""

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    search_path: Path = ROOT_DIRECTORY / ".venv" / "bin"


def image_name(reference: str) -> str:
    """`registry.example:5000/team/name:tag@sha256:...` -> `name`."""
    return reference.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]


def command_of(container: Mapping[str, Any], image: Image) -> list[str]:
    """ENTRYPOINT and CMD as container runtimes join them: an own entry point drops the image's command."""
    entry_point = container.get("entryPoint")
    command = container.get("command")
    if entry_point:
        return [*entry_point, *(command or ())]
    return [*image.entry_point, *(command or image.command)]


def environment_of(
    container: Mapping[str, Any], image: Image, address: str, directory: Path, aws: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a container without its secrets. Nothing of the runner's own environment gets in."""
    given = {entry["name"]: entry["value"] for entry in container.get("environment", [])}
    environment = {
        "PATH": os.pathsep.join([str(image.search_path), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **aws,
        **given,
    }
    for name, default in LISTEN_SETTINGS.items():
        host, _, port = environment.get(name, default).rpartition(":")
        environment[name] = f"{address}:{port}" if host == "0.0.0.0" else f"{host}:{port}"
    return environment


def ports_of(containers: Sequence[Mapping[str, Any]]) -> list[int]:
    """The TCP ports that a task of these containers listens on."""
    ports: set[int] = set()
    for container in containers:
        ports.update(mapping["containerPort"] for mapping in container.get("portMappings", []))
        given = {entry["name"]: entry["value"] for entry in container.get("environment", [])}
        listens = (given.get(name, default) for name, default in LISTEN_SETTINGS.items())
        ports.update(int(listen.rpartition(":")[2]) for listen in listens)
    return sorted(ports)


class Address:
    """One loopback address that no other task of this machine has, until `release`.

    Each process takes them from a network of its own: a storage that still dials a task of one laboratory
    must not reach a task of another that came after it. The reservation is a UDP socket on the task's first
    port: the kernel ends it with the process, and the task's own TCP ports stay free.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        network = f"127.{1 + os.getpid() // 256 % 254}.{os.getpid() % 256}"
        for host in range(FIRST_HOST, LAST_HOST + 1):
            address = f"{network}.{host}"
            reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                reservation.bind((address, ports[0]))
                for port in ports:
                    _require_free(address, port)
            except OSError:
                reservation.close()
                continue
            self.text = address
            self._reservation = reservation
            return
        raise DefinitionError(f"no address of {network}.0/24 has the ports {list(ports)} free")

    def release(self) -> None:
        """Let another task have it."""
        self._reservation.close()


def _require_free(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is free
        probe.bind((address, port))


def secrets_of(container: Mapping[str, Any], emulator: Emulator, credentials: Credentials) -> dict[str, str]:
    """Read the container's `secrets` with the execution role's credentials.

    Forms of valueFrom (ECS developer guide, "Pass sensitive data to a container"): the ARN of a secret, with
    optional `:json-key:version-stage:version-id`; the ARN or the name of an SSM parameter.
    Raises botocore's ClientError (no permission, no such secret), DefinitionError for a missing JSON key.
    """
    values = {}
    for entry in container.get("secrets", []):
        reference: str = entry["valueFrom"]
        if ":secretsmanager:" in reference:
            values[entry["name"]] = _secret(reference, emulator, credentials)
        else:
            name = reference.split(":parameter", 1)[-1]
            ssm = emulator.client("ssm", credentials)
            values[entry["name"]] = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return values


def _secret(reference: str, emulator: Emulator, credentials: Credentials) -> str:
    parts = reference.split(":")
    key, stage, version = (*parts[7:10], "", "", "")[:3]
    wanted = {"SecretId": ":".join(parts[:7])}
    if stage:
        wanted["VersionStage"] = stage
    if version:
        wanted["VersionId"] = version
    text: str = emulator.client("secretsmanager", credentials).get_secret_value(**wanted)["SecretString"]
    if not key:
        return text
    values = json.loads(text)
    if key not in values:
        raise DefinitionError(f"secret {wanted['SecretId']} has no key {key!r}")
    return str(values[key])
