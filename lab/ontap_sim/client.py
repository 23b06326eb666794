"""Talk to a running simulator: its REST interface as the product's tools would, and its control interface."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import urllib3

Json = dict[str, Any]

# The default events: little noise. SMB files are reported when they are closed after a modification; NFSv3
# has no close, so the first write and changes of size stand for it.
DEFAULT_EVENTS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "ev_cifs",
        "protocol": "cifs",
        "file_operations": dict.fromkeys(("create", "rename", "delete", "close"), True),
        "filters": {"close_with_modification": True},
    },
    {
        "name": "ev_nfs3",
        "protocol": "nfsv3",
        "file_operations": dict.fromkeys(("create", "rename", "delete", "write"), True),
        "filters": {"first_write": True, "write_with_size_change": True},
    },
    {
        "name": "ev_nfs4",
        "protocol": "nfsv4",
        "file_operations": dict.fromkeys(("create", "rename", "delete", "write"), True),
        "filters": {"first_write": True, "write_with_size_change": True},
    },
)
DEFAULT_SCOPE: Mapping[str, Any] = {
    "include_volumes": ["*"],
    "exclude_extension": ["tmp", "swp", "partial"],
    "object_monitoring_with_no_extension": True,
}
_CONNECTED_SECONDS = 15.0
_POLL_SECONDS = 0.05


class SimClientError(Exception):
    """The simulator refused a call; `code` is ONTAP's error code, empty for the control interface."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}".replace(" : ", ": "))
        self.status = status
        self.code = code


class SimClient:
    """A client made from the line that the simulator prints when it is ready."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self._headers = urllib3.make_headers(basic_auth=f"{ready['username']}:{ready['password']}")
        self._rest = urllib3.PoolManager(ca_certs=ready["certificate"], retries=False, timeout=10.0)
        self._control = urllib3.PoolManager(retries=False, timeout=600.0)  # a storm answers when it is over

    def close(self) -> None:
        """Close the connections."""
        self._rest.clear()
        self._control.clear()

    def as_user(self, username: str, password: str, svm: str = "") -> SimClient:
        """Make a client with other credentials, at the endpoint of an SVM if one is named."""
        rest = self.ready["svm_rest"][svm] if svm else self.ready["rest"]
        return SimClient({**self.ready, "username": username, "password": password, "rest": rest})

    # REST --------------------------------------------------------------------------------------------

    def rest(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Call REST below /api with the certificate verified. Raises SimClientError."""
        answer = self._rest.request(
            method,
            f"{self.ready['rest']}/api{path}",
            body=None if body is None else json.dumps(body),
            headers={**self._headers, "content-type": "application/json"},
        )
        data: Json = json.loads(answer.data)
        if answer.status >= 300:
            raise SimClientError(answer.status, data["error"]["code"], data["error"]["message"])
        return data

    def svm_uuid(self, name: str) -> str:
        """Look up an SVM by name."""
        records = self.rest("GET", f"/svm/svms?name={quote(name)}&fields=uuid")["records"]
        if not records:
            raise SimClientError(404, "4", f"no SVM {name!r}")
        return str(records[0]["uuid"])

    def configure_fpolicy(
        self,
        svm: str,
        servers: Sequence[str],
        port: int = 9898,
        *,
        policy: str = "fsxn_s3ap",
        engine: str = "fsxn_s3ap",
        events: Sequence[Mapping[str, Any]] = DEFAULT_EVENTS,
        scope: Mapping[str, Any] = DEFAULT_SCOPE,
        store: str | None = "fsxn_s3ap",
        store_bytes: int = 1 << 30,
        priority: int = 1,
        mandatory: bool = False,
        engine_settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the SVM send to these servers: disable the policy, change the engine, enable it again.

        What is missing is created. Running it again with the same servers changes nothing.
        """
        base = f"/protocols/fpolicy/{self.svm_uuid(svm)}"
        wanted = {
            "primary_servers": list(servers),
            "port": port,
            "type": "asynchronous",
            **(engine_settings or {}),
        }
        found = self._find(f"{base}/policies/{policy}")
        current = self._find(f"{base}/engines/{engine}")
        same = current is not None and all(current[name] == value for name, value in wanted.items())
        if found and found["enabled"] and same:
            return
        if found and found["enabled"]:
            self.rest("PATCH", f"{base}/policies/{policy}", {"enabled": False})
        if current is None:
            self.rest("POST", f"{base}/engines", {"name": engine, **wanted})
        elif not same:
            self.rest("PATCH", f"{base}/engines/{engine}", wanted)
        if found:
            self.rest("PATCH", f"{base}/policies/{policy}", {"enabled": True, "priority": priority})
            return
        for event in events:
            if self._find(f"{base}/events/{event['name']}") is None:
                self.rest("POST", f"{base}/events", event)
        body: Json = {
            "name": policy,
            "engine": {"name": engine},
            "events": [{"name": event["name"]} for event in events],
            "mandatory": mandatory,
            "scope": dict(scope),
            "priority": priority,
        }
        if store:
            if self._find(f"{base}/persistent-stores/{store}") is None:
                volume = f"{store}_store"
                self.rest(
                    "POST",
                    f"{base}/persistent-stores",
                    {"name": store, "volume": volume, "size": store_bytes},
                )
            body["persistent_store"] = store
        self.rest("POST", f"{base}/policies", body)

    def disable_fpolicy(self, svm: str, policy: str = "fsxn_s3ap") -> None:
        """Disable the policy; disabled already is fine."""
        path = f"/protocols/fpolicy/{self.svm_uuid(svm)}/policies/{policy}"
        try:
            self.rest("PATCH", path, {"enabled": False})
        except SimClientError as exc:
            if exc.code != "9764907":
                raise

    def connections(self, svm: str) -> list[Json]:
        """List the connections of an SVM: one for each node, policy and server."""
        path = f"/protocols/fpolicy/{self.svm_uuid(svm)}/connections"
        records: list[Json] = self.rest("GET", f"{path}?fields=*")["records"]
        return records

    def wait_connected(self, svm: str, seconds: float = _CONNECTED_SECONDS) -> None:
        """Wait until every node is connected to every primary server. Raises TimeoutError."""

        def connected() -> bool:
            records = self.connections(svm)
            primaries = [record for record in records if record["type"] == "primary"]
            return bool(primaries) and all(record["state"] == "connected" for record in primaries)

        wait_until(connected, seconds, "FPolicy connections of every node")

    def volume_map(self) -> Json:
        """Give what FPOLICY_VOLUME_MAP wants: SVM UUID and MSID to SVM name, volume name, junction path."""
        svms: Json = {}
        fields = "name,msid,svm.name,svm.uuid,nas.path"
        for record in self.rest("GET", f"/storage/volumes?fields={fields}&nas.path=!null")["records"]:
            svm = svms.setdefault(record["svm"]["uuid"], {"name": record["svm"]["name"], "volumes": {}})
            entry = {"name": record["name"], "junction_path": record["nas"]["path"]}
            svm["volumes"][str(record["msid"])] = entry
        return {"schema_version": "1.0", "svms": svms}

    def _find(self, path: str) -> Json | None:
        try:
            return self.rest("GET", path)
        except SimClientError as exc:
            if exc.status != 404:
                raise
            return None

    # control -----------------------------------------------------------------------------------------

    def operations(self, operations: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Let clients do something; return the ledger's rows of it."""
        done: list[Json] = self._post("/operations", {"operations": list(operations)})["operations"]
        return done

    def storm(self, count: int, *, wait: bool = True, **settings: Any) -> Json:
        """Make `count` operations; the settings are those of storm.Storm."""
        return self._post("/storm", {"count": count, "wait": wait, **settings})

    def snapshot(self) -> int:
        """Write what exists now into the ledger, with hashes."""
        return int(self._post("/snapshot", {})["files"])

    def mark(self, event: str) -> None:
        """Write a `run` row into the ledger."""
        self._post("/mark", {"event": event})

    def restart_node(self, number: int, *, crash: bool = False) -> None:
        """Take a node away for a moment, as planned or by a crash."""
        self._post(f"/node/{number}/restart", {"crash": crash})

    def set_svm_running(self, svm: str, *, running: bool) -> None:
        """Start or stop an SVM."""
        self._post(f"/svm/{svm}/{'start' if running else 'stop'}", {})

    def fail_fpolicy(self, svm: str, code: str, times: int = 1) -> None:
        """Let the next calls that can end half way with this code do so (`fpolicy.PARTIAL_CODES`)."""
        self._post(f"/fpolicy/{svm}/fail", {"code": code, "times": times})

    def switch(self, **changes: object) -> None:
        """Change some switches while it runs: those of config.LIVE_SWITCHES."""
        self._post("/switches", changes)

    def fsx(self, action: str, **body: Any) -> Json:
        """Act on the AWS side: one of the actions of `FsxFace.control`."""
        return self._post(f"/fsx/{action}", body)

    def fault(self, effect: str, **rule: Any) -> None:
        """Let REST requests go wrong on purpose; rules and effects are those of faults.Fault."""
        self._post("/faults", {"effect": effect, **rule})

    def faults(self) -> list[Json]:
        """Show the rules, with what each has seen and struck."""
        rules: list[Json] = self._call("GET", "/faults")["faults"]
        return rules

    def clear_faults(self) -> None:
        """Forget every rule and set the storage system's clock right."""
        self._call("DELETE", "/faults")

    def set_clock(self, offset_seconds: float) -> None:
        """Set the storage system's clock off the machine's."""
        self._post("/clock", {"offset_seconds": offset_seconds})

    def emit(self, name: str, severity: str, text: str = "", node: int = 1, **parameters: str) -> None:
        """Let a node write a message into the event log."""
        body = {"name": name, "severity": severity, "text": text, "node": node, "parameters": parameters}
        self._post("/ems", body)

    def exchange_certificate(
        self, lifetime_days: float = 7.0, *, installed: bool = True, restore: bool = False
    ) -> str:
        """Let REST present another certificate from now on and return its PEM file; this client trusts it.

        With `installed` false ONTAP's list still shows the one before; `restore` brings the first one back.
        """
        body = {"lifetime_days": lifetime_days, "installed": installed, "restore": restore}
        path = str(self._post("/certificate", body)["certificate"])
        self._rest.clear()
        self._rest = urllib3.PoolManager(ca_certs=path, retries=False, timeout=10.0)
        return path

    def set_sessions(self, **sessions: Sequence[Mapping[str, Any]]) -> None:
        """Replace the clients' sessions: `cifs` and `nfs`."""
        self._post("/sessions", sessions)

    def requests(self, since: int = 0) -> list[Json]:
        """Give the REST requests after this number, oldest first; each has its `number`."""
        found: list[Json] = self._call("GET", f"/requests?since={since}")["requests"]
        return found

    def status(self) -> Json:
        """Read the counts and the connections."""
        return self._call("GET", "/status")

    def wait_idle(self, seconds: float = 60.0, *, replayed: bool = False) -> Json:
        """Wait until nothing is on its way, with `replayed` also for an empty store. Raises TimeoutError."""

        def idle() -> bool:
            status = self.status()
            return bool(status["idle"]) and not (replayed and status["stored_backlog"])

        wait_until(idle, seconds, "simulator idle")
        return self.status()

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._call("POST", path, json.dumps(body))

    def _call(self, method: str, path: str, body: str | None = None) -> Json:
        answer = self._control.request(method, f"{self.ready['control']}{path}", body=body)
        data: Json = json.loads(answer.data)
        if answer.status >= 300:
            raise SimClientError(answer.status, "", data["error"])
        return data


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Poll a condition with a deadline. Raises TimeoutError naming what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(_POLL_SECONDS)
