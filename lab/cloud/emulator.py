"""Start, use and end one local AWS. Everything it writes is in one temporary folder, gone after `stop`."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.cloud.clients import ACCOUNT_ID, REGION, ROOT, Credentials, local_client

ROOT_DIRECTORY = Path(__file__).parents[2]
START_SECONDS = 30.0  # ready after 0.3 s on an idle machine; a loaded one may need ten times that
STOP_SECONDS = 10.0
START_ATTEMPTS = 3  # another process can take the free port between our look and the emulator's bind


class EmulatorError(Exception):
    """The emulator did not start or refused an administrative request."""


class Emulator:
    """One ministack process on a free port of 127.0.0.1.

    With `auth` (the default) every request is signed and checked against IAM; Lambdas have the credentials
    of their own role. `environment` adds variables of ministack (for example SFN_WAIT_SCALE).
    `log_path` keeps the emulator's log; without it the log goes with the temporary folder.
    """

    def __init__(
        self,
        *,
        auth: bool = True,
        environment: Mapping[str, str] | None = None,
        log_path: Path | None = None,
    ) -> None:
        self.auth = auth
        self.account_id = ACCOUNT_ID
        self.region = REGION
        self.port = 0
        self.directory = Path()
        self._wanted_log_path = log_path
        self._environment = dict(environment or {})
        self._token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The one URL for all services."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """The emulator's own log (warnings and errors)."""
        return self._wanted_log_path or self.directory / "emulator.log"

    @property
    def pid(self) -> int:
        """Process id of the emulator; 0 when it does not run."""
        return self._process.pid if self._process else 0

    def client(self, service: str, credentials: Credentials = ROOT) -> Any:
        """A new boto3 client of `service`, as root or with the given credentials."""
        return local_client(service, self.endpoint, credentials)

    def start(self) -> None:
        """Start and wait until it answers. Raises EmulatorError with the end of its log."""
        self.directory = Path(tempfile.mkdtemp(prefix="fsxn-local-aws-"))
        for _ in range(START_ATTEMPTS):
            self.port = _free_port()
            self._launch()
            if self._wait_until_ready():
                return
        log = self.log_path.read_text(errors="replace")[-2000:]
        self.stop()
        raise EmulatorError(f"the local AWS did not start; its log ends:\n{log}")

    def stop(self) -> None:
        """End the emulator and every Lambda worker, then remove its folder. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)

    def reset(self) -> None:
        """Forget all resources and end the Lambda workers; the endpoint stays."""
        self._post("/_ministack/reset")

    def publish_service_event(
        self, *, source: str, detail_type: str, detail: Mapping[str, object], resources: list[str]
    ) -> None:
        """Put an event of an AWS service (`aws.ecs`, ...) on the default bus, as that service would."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": resources,
        }
        self._post_to_lab("service-events", {"Entries": [entry]})

    def record_ecs_task(self, task: Mapping[str, object], deployment_id: str, *, stable: bool) -> None:
        """Make `task` what DescribeTasks shows. `stable` tasks complete their service's deployment."""
        self._post_to_lab("ecs-task", {"task": task, "deployment_id": deployment_id, "stable": stable})

    def take_emf_lines(self) -> list[tuple[str, str]]:
        """Log group and text of every EMF log line since the last call, oldest first."""
        return [(group, line) for group, line in self._post_to_lab("emf-lines", {})]

    def queue_figures(self) -> dict[str, tuple[int, float]]:
        """Visible messages, and age of the oldest message in seconds, by the queue's name."""
        found = self._post_to_lab("queue-figures", {})
        return {name: (visible, age) for name, (visible, age) in found.items()}

    def usage(self) -> dict[tuple[str, str], float]:
        """What was used since the start, as AWS counts it for a bill, by (what, resource)."""
        return {(what, resource): amount for what, resource, amount in self._post_to_lab("usage", {})}

    def set_function_environment(self, variables: Mapping[str, str]) -> None:
        """Give every function these variables beside those of its configuration, which Terraform owns."""
        self._post_to_lab("function-environment", variables)

    def set_faults(self, *rules: Mapping[str, object]) -> dict[str, int]:
        """Let the product's calls go wrong by these rules (`faults.AwsFault`); give what was struck."""
        struck: dict[str, int] = self._post_to_lab("faults", {"rules": rules})
        return struck

    def _post_to_lab(self, door: str, body: Mapping[str, object]) -> Any:
        return json.loads(
            self._post(f"/_lab/{door}", json.dumps(body).encode(), {"x-lab-token": self._token})
        )

    def _launch(self) -> None:
        lambda_bin = ROOT_DIRECTORY / ".venv-lambda" / "bin"
        environment = {
            # Lambdas are started with this environment: `python3` is the one that has boto3 and nothing else.
            "PATH": os.pathsep.join([str(lambda_bin), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            "S3_DATA_DIR": str(self.directory / "s3"),
            "STATE_DIR": str(self.directory / "state"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": self.account_id,
            "MINISTACK_REGION": self.region,
            "AUTH": str(self.auth).lower(),
            "LOG_LEVEL": "WARNING",
            # Services that would listen on fixed ports of their own.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # Read by lambda_bootstrap.py, so that a function may still set its own AWS_ENDPOINT_URL.
            "LAB_AWS_ENDPOINT_URL": self.endpoint,
            "LAB_TOKEN": self._token,
            "LAB_LAMBDA_ENVIRONMENTS": "4",  # for 2 cores: 30 files/s; 2 and 8 gave less, 4 use 55 MB each
            **self._environment,
        }
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab.cloud.emulator_process"],
                cwd=ROOT_DIRECTORY,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> bool:
        """True when it answers; False when the process ended (the port was taken) or time is up."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                status, _ = self._request("GET", "/_ministack/ready", timeout=2)
            except OSError:
                status = 0
            if status == 200 and self._process.poll() is None:
                return True
            time.sleep(0.02)
        _end(self._process)
        return False

    def _post(self, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        status, answer = self._request("POST", path, body, headers)
        if status != 200:
            raise EmulatorError(f"{path} answered {status}")
        return answer

    def _request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask by closing standard input (it then ends its Lambda workers), insist by signal on the group."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)  # the session is its own: only what the emulator started
    except ProcessLookupError:
        pass
    process.wait(STOP_SECONDS)
