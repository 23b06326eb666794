"""What is wanted of every SVM, and what ONTAP shows: a look that takes no lock and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from fsxn_runtime.fpolicy import core, watch
from fsxn_runtime.fpolicy.clients import Tasks
from fsxn_runtime.fpolicy.model import GUARD_SUFFIX, Observed, Task, Wanted
from fsxn_runtime.fpolicy.ontap_side import Ontap
from fsxn_runtime.fpolicy.store import Memory
from fsxn_runtime.fpolicy.wanted import wanted_of


def status(ontap: Ontap, tasks: Tasks, memory: Memory) -> dict[str, Any]:
    """Show the tasks with their probes, and each SVM: wanted and seen. Raises FsxnError."""
    running = tasks.running()
    shown = [_status(ontap, memory, name, each, running) for name, each in sorted(memory.wanted().items())]
    return {"tasks": [asdict(task) for task in running], "svms": shown}


def _status(
    ontap: Ontap, memory: Memory, name: str, document: Mapping[str, Any], tasks: Iterable[Task]
) -> dict[str, Any]:
    wanted = wanted_of(document)
    uuid = ontap.svm_uuid(wanted.svm)
    observed = ontap.side(uuid, with_certificates=wanted.looks_at_certificates).look()
    addresses = core.servers(tasks, observed)
    good_us, lost_us = memory.svm(name)
    store = wanted.store.volume if wanted.store else ""
    return {
        "svm": wanted.svm,
        "wanted_enabled": wanted.policy.is_enabled,
        "servers": sorted(addresses),
        **_shown(wanted, observed),
        "missing": len(core.missing_links(wanted, addresses, observed)),
        "links": [asdict(link) for link in observed.links if link.policy == wanted.policy.name],
        "store_used_pct": watch.store_used_pct(ontap.volumes(uuid), store),
        "all_there_us": good_us,
        "lost_us": lost_us,
    }


def _shown(wanted: Wanted, observed: Observed) -> dict[str, Any]:
    """Show policy and engine as they are; None for what is not there."""
    policy = observed.policies.get(wanted.policy.name)
    engine = observed.engines.get(wanted.engine.name)
    return {
        "enabled": policy.is_enabled if policy else None,
        "priority": policy.priority if policy else None,
        "store": policy.store if policy else None,
        "engine_servers": sorted(engine.servers) if engine else None,
        "guard_enabled": any(
            p.is_enabled and p.name == wanted.policy.name + GUARD_SUFFIX for p in observed.policies.values()
        ),
    }
