"""Roles of tasks: credentials of the execution role for the runner, of the task role for the container."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.cloud.clients import Credentials
from lab.cloud.emulator import Emulator

SERVICE_PRINCIPAL = "ecs-tasks.amazonaws.com"
RENEW_BEFORE = timedelta(minutes=15)  # sessions last an hour; SDKs renew theirs at the same distance


class RoleError(Exception):
    """ECS could not take the role: it does not trust ECS tasks."""


class RoleSession:
    """Credentials of one role, renewed before they expire.

    The account root takes the role in place of ECS, so the emulator does not check the trust policy;
    it is read here: without a statement for ecs-tasks.amazonaws.com the role is refused.
    """

    def __init__(self, emulator: Emulator, role_arn: str, session_name: str) -> None:
        self.role_arn = role_arn
        self._session_name = session_name[:64]
        self._sts = emulator.client("sts")
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._expiration = datetime.min.replace(tzinfo=UTC)
        _require_trust(emulator, role_arn)

    def credentials(self) -> tuple[Credentials, datetime]:
        """The current credentials and when they expire."""
        with self._lock:
            if self._credentials is None or datetime.now(UTC) > self._expiration - RENEW_BEFORE:
                answer = self._sts.assume_role(RoleArn=self.role_arn, RoleSessionName=self._session_name)
                made = answer["Credentials"]
                self._credentials = Credentials(
                    made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
                )
                self._expiration = made["Expiration"]
            return self._credentials, self._expiration


def _require_trust(emulator: Emulator, role_arn: str) -> None:
    role = emulator.client("iam").get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        services = statement.get("Principal", {}).get("Service", [])
        names = [services] if isinstance(services, str) else services
        if statement["Effect"] == "Allow" and SERVICE_PRINCIPAL in names:
            return
    raise RoleError(f"role {role_arn} does not trust {SERVICE_PRINCIPAL}")


class CredentialsServer:
    """The container credentials endpoint: each task's role, to whoever shows that task's token.

    Source: AWS SDKs reference guide, "Container credential provider". The one difference: on Fargate the
    address is given by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, here by the full URI on loopback.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[str, RoleSession]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_class(self._answer))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="ecs-credentials", daemon=True
        )
        self._thread.start()

    def environment(self, task_id: str, session: RoleSession) -> dict[str, str]:
        """Register a task; the two variables that its containers get."""
        token = secrets.token_urlsafe(24)
        self._sessions[task_id] = (token, session)
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._server.server_port}/{task_id}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def forget(self, task_id: str) -> None:
        """End the access of a stopped task."""
        self._sessions.pop(task_id, None)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, task_id: str, given_token: str) -> tuple[int, dict[str, str]]:
        token, session = self._sessions.get(task_id, ("", None))
        if session is None or not hmac.compare_digest(token.encode(), given_token.encode()):
            return 403, {"code": "AccessDenied", "message": "unknown task or wrong token"}
        credentials, expiration = session.credentials()
        return 200, {
            "RoleArn": session.role_arn,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token or "",
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _handler_class(
    answer: Callable[[str, str], tuple[int, dict[str, str]]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path.lstrip("/"), self.headers.get("Authorization", ""))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is inherited)
            """Say nothing: every renewal would be a line."""

    return Handler
