"""Preflight on ONTAP's side, by what the function in the VPC saw. Pure.

Source: ONTAP REST reference 8 (versions), 10 (interfaces), 13 (FPolicy), 15 (clients).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from fsxn_runtime.diagnose.causes_ontap import SKEW_SECONDS
from fsxn_runtime.diagnose.facts import Facts, known
from fsxn_runtime.diagnose.preflight_model import Check, Inputs, Verdict, unknown

_SERVICE: Final = "data_fpolicy_client"
_PRIORITIES: Final = 10  # of the enabled policies of an SVM
_STORE_VERSION: Final = (9, 14, 1)
_FULL_VERSION: Final = (9, 15, 1)


def ontap_checks(inputs: Inputs, facts: Facts, prefix: str) -> list[Check]:
    """Judge ONTAP. Before the first apply nothing there can be asked: all of it is then not known."""
    looked = known(facts, "ontap")
    if looked is None:
        todo = "apply first, then run this again; from a host in the VPC: " + _BY_HAND
        return [unknown(f"ONTAP: {name}", facts, "ontap", todo) for name in _NAMES]
    parts, errors = looked["parts"], looked["errors"]
    checks: list[Check] = []
    for name, (part, judge) in _JUDGES.items():
        if part in parts:
            checks += judge(inputs, parts, prefix)
        else:
            why = errors.get(part, {}).get("message", "it was not asked")
            checks.append(Check(f"ONTAP: {name}", Verdict.UNKNOWN, why, "fsxn diagnose bundle"))
    return checks


def _version(inputs: Inputs, parts: Mapping[str, Any], prefix: str) -> Iterator[Check]:
    del inputs, prefix
    shown = parts["cluster"]["version"]
    try:
        version = tuple(int(number) for number in shown.split("."))
    except ValueError:
        yield Check("ONTAP: version", Verdict.UNKNOWN, f"it says {shown!r}", "version")
        return
    if version < _STORE_VERSION:
        says = f"{shown} has no Persistent Store (9.14.1): what happens while no server answers is lost"
        yield Check(
            "ONTAP: version", Verdict.FINDING, says, "upgrade, or set store.enabled = false and accept that"
        )
    elif version < _FULL_VERSION:
        says = f"{shown} makes no volume for the store and sees no NFS 4.1 (both 9.15.1)"
        yield Check("ONTAP: version", Verdict.FINDING, says, "upgrade, or make the store's volume by hand")
    else:
        yield Check("ONTAP: version", Verdict.OK, shown)


def _clock(inputs: Inputs, parts: Mapping[str, Any], prefix: str) -> Iterator[Check]:
    del inputs, prefix
    skew = parts["cluster"]["clock_skew_seconds"]
    if skew is None:
        says, todo = "ONTAP's answers have no date", "compare `cluster date show` with `date -u`"
        yield Check("ONTAP: clock", Verdict.UNKNOWN, says, todo)
    elif abs(skew) >= SKEW_SECONDS:
        says = f"it is {skew:+.1f} s off AWS's: latencies are wrong by that, events look early or replayed"
        yield Check(
            "ONTAP: clock", Verdict.FINDING, says, "ask AWS support: the file system's clock is theirs"
        )
    else:
        yield Check("ONTAP: clock", Verdict.OK, f"{skew:+.1f} s off AWS's, to about a second")


def _interfaces(inputs: Inputs, parts: Mapping[str, Any], prefix: str) -> Iterator[Check]:
    del prefix
    for svm in _wanted(inputs, parts["svms"]):
        name = f"ONTAP: LIF of SVM {svm['name']}"
        able = [
            one["address"]
            for one in svm["interfaces"]
            if _SERVICE in {service.replace("-", "_") for service in one["services"]}
        ]
        if able:
            yield Check(name, Verdict.OK, f"{_SERVICE} on {', '.join(able)}")
        else:
            says = f"no interface has the service {_SERVICE}: no node can dial a server"
            todo = "network interface service-policy add-service -service data-fpolicy-client"
            yield Check(name, Verdict.FINDING, says, todo)


def _policies(inputs: Inputs, parts: Mapping[str, Any], prefix: str) -> Iterator[Check]:
    ours = prefix.replace("-", "_")
    for svm in _wanted(inputs, parts.get("svms", [])):
        name = f"ONTAP: policies of SVM {svm['name']}"
        there = [each for each in parts["policies"] if each["svm_name"] == svm["name"]]
        foreign = [each for each in there if each["name"] not in (ours, f"{ours}_guard")]
        enabled = [each for each in foreign if each.get("enabled")]
        taken = ", ".join(f"{each['name']} ({each.get('priority', '?')})" for each in enabled)
        if len(enabled) >= _PRIORITIES:
            says = f"{len(enabled)} foreign policies are enabled: no priority is free"
            yield Check(name, Verdict.FINDING, says, "disable one")
        elif len(enabled) == _PRIORITIES - 1:
            says = f"one priority is free, none for the guard: {taken}"
            yield Check(name, Verdict.FINDING, says, "disable one, or set guard = false and accept the gap")
        else:
            yield Check(name, Verdict.OK, f"foreign ones, which stay: {taken}" if taken else "no foreign one")
        yield from _scope(svm["name"], [each for each in there if each["name"] == ours], parts)


def _scope(svm: str, ours: list[Mapping[str, Any]], parts: Mapping[str, Any]) -> Iterator[Check]:
    """Say whether what the policy includes is there: a name with a slip takes nothing, without an error."""
    mounted = [
        each["name"] for each in parts.get("volumes", []) if each["svm"] == svm and each["junction_path"]
    ]
    for policy in ours:
        scope = policy.get("scope", {})
        included, excluded = scope.get("include_volumes", []), scope.get("exclude_volumes", [])
        seen = [v for v in mounted if _matches(v, included) and not _matches(v, excluded)]
        idle = [pattern for pattern in included if not any(_matches(v, [pattern]) for v in mounted)]
        name = f"ONTAP: scope on SVM {svm}"
        if not seen:
            says = f"no mounted volume is in scope: included are {', '.join(included) or 'none'}"
            yield Check(name, Verdict.FINDING, says, "correct scope.include_volumes")
        elif idle:
            yield Check(
                name, Verdict.FINDING, f"{', '.join(idle)} matches no mounted volume", "correct the scope"
            )
        else:
            yield Check(name, Verdict.OK, f"{', '.join(seen)}")


def _store(inputs: Inputs, parts: Mapping[str, Any], prefix: str) -> Iterator[Check]:
    ours = prefix.replace("-", "_")
    for svm in _wanted(inputs, parts.get("svms", [])):
        found = [each for each in parts["stores"] if each["svm_name"] == svm["name"]]
        name = f"ONTAP: store of SVM {svm['name']}"
        if not found:
            yield Check(name, Verdict.OK, "none; apply makes one, unless store.enabled is false")
            continue
        store = found[0]
        whose = "ours" if store["name"] == ours else "another's: it is used, never changed, and shared"
        yield Check(name, Verdict.OK, f"{store['name']} on volume {store.get('volume', '?')}, {whose}")


def _clients(inputs: Inputs, parts: Mapping[str, Any], prefix: str) -> Iterator[Check]:
    """ONTAP lists clients that were there lately: none of them is a proof for tomorrow."""
    del inputs, prefix
    found = parts["nfs_clients"]
    counts = ", ".join(f"{number} {protocol}" for protocol, number in sorted(found["by_protocol"].items()))
    name = "ONTAP: NFS 4.2 clients"
    if found["clients"]:
        shown = ", ".join(f"{each['client_ip']} ({each['volume']})" for each in found["clients"][:5])
        says = f"{len(found['clients'])} clients speak NFS 4.2, which FPolicy does not see: {shown}"
        yield Check(name, Verdict.FINDING, says, "mount with vers=4.1, or let the workload poll")
    elif not counts:
        todo = "on each client: nfsstat -m, and look for vers=4.2; Linux takes it with vers=4"
        yield Check(name, Verdict.UNKNOWN, "ONTAP lists no NFS client now", todo)
    else:
        yield Check(name, Verdict.OK, f"none among those connected lately: {counts}")


def _wanted(inputs: Inputs, svms: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [svm for svm in svms if not inputs.svms or svm["name"] in inputs.svms]


def _matches(volume: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(volume, pattern) for pattern in patterns)


_BY_HAND: Final = (
    "version; cluster date show; network interface show -services data-fpolicy-client; fpolicy show"
)
_JUDGES: Final = {
    "version": ("cluster", _version),
    "clock": ("cluster", _clock),
    "interfaces": ("svms", _interfaces),
    "policies": ("policies", _policies),
    "store": ("stores", _store),
    "NFS 4.2 clients": ("nfs_clients", _clients),
}
_NAMES: Final = tuple(_JUDGES)
