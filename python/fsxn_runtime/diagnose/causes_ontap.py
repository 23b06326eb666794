"""Causes on ONTAP's side, as the function in the VPC saw it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fsxn_runtime.diagnose.cause import Cause, Scene, Weight, cause

STORE_PCT: Final = 70  # as its alarm has it (modules/fpolicy-ecs)
SKEW_SECONDS: Final = 5.0  # the objective of the ingestion latency: a larger one decides it
_VOLUME_PCT: Final = 98
_MESSAGES: Final = 4


# Code of an error of fsxn_runtime.ontap -> what it means, the page, the next command.
ERRORS: Final = {
    "ontap_unauthorized": (
        "ONTAP refuses the user and password of the secret",
        "rotation-failed.md",
        "fsxn rotation status --ask-ontap",
    ),
    "ontap_pin_mismatch": (
        "ONTAP's management endpoint shows a certificate that nobody trusted",
        "canary-certificate.md",
        "fsxn rotation trust --through-function",
    ),
    "ontap_unreachable": (
        "ONTAP's management endpoint gives no answer to the function in the VPC",
        "canary-ontap.md",
        "fsxn diagnose preflight",
    ),
    "ontap_busy": (
        "ONTAP answers that it is busy, or answers nonsense",
        "canary-ontap.md",
        "fsxn diagnose bundle",
    ),
    "ontap_forbidden": (
        "The role of ONTAP's account does not allow what is asked",
        "fpolicy-reconcile-failing.md",
        "fsxn rotation rehearse",
    ),
    "ontap_misconfigured": (
        "The secret's address, certificate or form is not what it must be",
        "canary-ontap.md",
        "fsxn rotation status --ask-ontap",
    ),
}


def answers(scene: Scene) -> Iterator[Cause]:
    errors = (scene.known("ontap") or {}).get("errors", {})
    by_code: dict[str, list[str]] = {}
    for part, error in errors.items():
        by_code.setdefault(error["code"], []).append(f"{part}: {error['message']}")
    for code, (says, runbook, command) in ERRORS.items():
        if code in by_code:
            yield cause(code, Weight.STOPS, says, by_code[code], runbook, command)


def policies(scene: Scene) -> Iterator[Cause]:
    for svm in (scene.ontap("fpolicy") or {}).get("svms", []):
        name = svm["svm"]
        seen = f"{name}: wanted enabled {svm['wanted_enabled']}, ONTAP shows {svm['enabled']}"
        if svm["wanted_enabled"] and svm["enabled"] is None:
            yield cause(
                f"policy_missing:{name}",
                Weight.STOPS,
                f"The FPolicy policy of SVM {name} is gone from ONTAP",
                [seen],
                "fpolicy-reconcile-failing.md",
                "fsxn fpolicy reconcile",
            )
        elif svm["wanted_enabled"] and svm["enabled"] is False:
            guarded = svm.get("guard_enabled")
            yield cause(
                f"policy_disabled:{name}",
                Weight.HURTS if guarded else Weight.STOPS,
                f"The FPolicy policy of SVM {name} is disabled in ONTAP, though it is wanted: "
                + ("its guard stands in" if guarded else "nothing is captured"),
                [seen],
                "fpolicy-reconcile-missing.md",
                "fsxn fpolicy reconcile",
            )
        elif svm["wanted_enabled"] and scene.has_server():
            yield from _links(svm)
        yield from _store(svm)


def _links(svm: Mapping[str, Any]) -> Iterator[Cause]:
    name, servers, engine = svm["svm"], svm["servers"], svm["engine_servers"] or []
    if servers and not set(servers) & set(engine):
        yield cause(
            f"engine_stale:{name}",
            Weight.STOPS,
            f"ONTAP's engine of SVM {name} names none of the servers that run",
            [f"engine {', '.join(engine) or 'nobody'}; running {', '.join(servers)}"],
            "fpolicy-reconcile-failing.md",
            "fsxn fpolicy reconcile",
        )
        return
    if not svm["missing"]:
        return
    lost = [each for each in svm["links"] if not each["is_connected"]]
    is_all = len(lost) == len(svm["links"])
    lif = any("lif" in each["reason"].lower() for each in lost)  # ONTAP REST reference 13.5: code 9305
    yield cause(
        f"connections_missing:{name}",
        Weight.STOPS if is_all else Weight.HURTS,
        f"{svm['missing']} of ONTAP's connections of SVM {name} are missing"
        + (": a node has no LIF with the service data-fpolicy-client" if lif else ""),
        [f"node {each['node']} to {each['server']}: {each['reason'] or 'not connected'}" for each in lost],
        "slo-reconnect-time.md",
        "fsxn diagnose preflight" if lif else "fsxn fpolicy reconcile",
    )


def _store(svm: Mapping[str, Any]) -> Iterator[Cause]:
    used = svm.get("store_used_pct")
    if used is not None and used >= STORE_PCT:
        full = used >= 100
        yield cause(
            f"store_{'full' if full else 'filling'}:{svm['svm']}",
            Weight.STOPS if full else Weight.HURTS,
            f"The Persistent Store of SVM {svm['svm']} is {used:g} % full"
            + (": ONTAP drops notifications" if full else ""),
            [f"{svm['svm']}: store {svm.get('store')}, used {used:g} %"],
            "fpolicy-store-dropping.md" if full else "fpolicy-store-filling.md",
            "fsxn fpolicy status",
        )


# Messages after which ONTAP does nothing by itself, or has lost something (ONTAP REST reference 14).
_EMS: Final = {
    "fpolicy.eagain.disconnect": (Weight.STOPS, "A node gave up its connection and will not come back"),
    "fpolicy.persistentStore.full": (Weight.HURTS, "ONTAP said that a Persistent Store was full"),
    "spm.fpolicy.process.exit": (Weight.HURTS, "ONTAP's FPolicy process ended on a node"),
    "fsm.low.memory": (Weight.HURTS, "A node had no memory for FPolicy notifications"),
}


def messages(scene: Scene) -> Iterator[Cause]:
    seen = scene.ontap("messages") or []
    for name, (weight, says) in _EMS.items():
        found = [each for each in seen if each["name"] == name]
        if found:
            lines = [f"{each['time']} {each['text']}" for each in found[-_MESSAGES:]]
            yield cause(f"ems:{name}", weight, says, lines, "fpolicy-ems-alerts.md", "fsxn fpolicy reconcile")


def blind_spots(scene: Scene) -> Iterator[Cause]:
    clients = scene.ontap("nfs_clients") or {}
    unseen = [each for each in clients.get("clients", []) if each["protocol"] == "nfs4.2"]
    if unseen:
        yield cause(
            "nfs42_clients",
            Weight.TELLS,
            "Clients speak NFS 4.2, whose operations FPolicy does not see",
            [f"{each['client_ip']} on {each['volume']}" for each in unseen],
            "",
            "remount with -o vers=4.1, or let the workload poll (modules/workload, trigger_mode)",
        )
    skew = (scene.ontap("cluster") or {}).get("clock_skew_seconds")
    if skew is not None and abs(skew) >= SKEW_SECONDS:
        yield cause(
            "clock_skew",
            Weight.TELLS,
            f"ONTAP's clock is {skew:+.0f} s off AWS's",
            ["latencies are wrong by that, and events look replayed or early"],
            "slo-ingestion-latency.md",
            "compare again, then ask AWS support",
        )
    for each in scene.ontap("volumes") or []:
        if (each["used_pct"] or 0) >= _VOLUME_PCT:
            yield cause(
                f"volume_full:{each['name']}",
                Weight.TELLS,
                f"Volume {each['name']} is {each['used_pct']:g} % full: clients may not write",
                [f"{each['svm']}/{each['name']} {each['used_pct']:g} %"],
                "capacity-utilisation.md",
                "fsxn forecast show",
            )
