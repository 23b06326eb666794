"""Imports go in one direction. Each rule lists the modules that break it, and what they import."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.structure.source_tree import Module, modules

# Modules of the package that belong to no capability.
SHARED = {"edge", "errors", "events", "metric_catalogue", "ontap"}
# May use other capabilities, but only what those offer in their __init__.
COMPOSING = {"cli", "diagnose", "report", "workloads"}
# Offered beside an __init__ that must import nothing: the package's Lambda zips hold parts of it only.
OFFERED = {"fsxn_runtime.workloads.backfill"}
# The one capability that may use two others.
EXPANSION_USES = {"guardrails", "lineage"}
# What a pure file never needs: the outside world, time, chance.
IMPURE = set(
    """asyncio boto3 botocore http logging os pathlib random secrets shutil socket ssl subprocess tempfile
    threading time urllib urllib3 uuid""".split()  # noqa: SIM905 a list of so many would need as many lines
)


def below(package: str) -> list[Module]:
    """The modules of a package, and the package itself."""
    found = [m for m in modules() if m.name == package or m.name.startswith(f"{package}.")]
    assert found, package
    return found


def capability(name: str) -> str:
    """`fsxn_runtime.lineage.store` -> `lineage`."""
    return name.split(".")[1] if "." in name else ""


def of_roles(*roles: str) -> list[Module]:
    """The files with these names in all capabilities: core, model, store, settings ..."""
    return [
        m for m in below("fsxn_runtime") if m.path.stem in roles and capability(m.name) not in {"", *SHARED}
    ]


def siblings(module: Module, *roles: str) -> set[str]:
    """What the module imports of these files in its own folder."""
    folder = module.name.rpartition(".")[0]
    return {name for role in roles for name in module.imports_of(f"{folder}.{role}")}


def of_packages(module: Module, *packages: str) -> set[str]:
    return {name for package in packages for name in module.imports_of(package)}


def breaches(modules_: Iterable[Module], wrong: Callable[[Module], set[str]]) -> dict[str, set[str]]:
    """Wrong imports by module; empty when the rule is kept."""
    return {module.name: found for module in modules_ if (found := wrong(module))}


def runtime_except(module: Module, *allowed: str) -> set[str]:
    """What it imports of fsxn_runtime outside the allowed parts."""
    return {name for name in module.imports_of("fsxn_runtime") if capability(name) not in allowed}


def test_imports_are_absolute() -> None:
    assert [module.name for module in modules() if module.has_relative_imports] == []


def test_the_runtime_imports_no_server_laboratory_tool_or_test() -> None:
    foreign = ("fpolicy_server", "lab", "tools", "tests")
    assert breaches(below("fsxn_runtime"), lambda m: of_packages(m, *foreign)) == {}


def test_the_server_imports_no_laboratory_tool_or_test() -> None:
    assert breaches(below("fpolicy_server"), lambda m: of_packages(m, "lab", "tools", "tests")) == {}


def test_the_server_uses_only_the_shared_part_of_the_runtime() -> None:
    assert breaches(below("fpolicy_server"), lambda m: runtime_except(m, "edge", "errors", "events")) == {}


def test_the_laboratory_imports_nothing_that_is_shipped() -> None:
    """Both sides of the wire are written twice on purpose: shared code would hide a shared mistake."""
    assert breaches(below("lab"), lambda m: of_packages(m, "fsxn_runtime", "fpolicy_server", "tests")) == {}


def test_the_simulator_imports_only_itself() -> None:
    assert (
        breaches(below("lab.ontap_sim"), lambda m: m.imports_of("lab") - m.imports_of("lab.ontap_sim")) == {}
    )


def test_the_shared_modules_know_only_what_is_below_them() -> None:
    assert breaches(below("fsxn_runtime.errors"), lambda m: m.imports_of("fsxn_runtime")) == {}
    assert breaches(below("fsxn_runtime.events"), lambda m: runtime_except(m, "errors")) == {}
    assert breaches(below("fsxn_runtime.metric_catalogue"), lambda m: runtime_except(m, "errors")) == {}


def test_the_edge_knows_errors_and_the_metric_catalogue() -> None:
    allowed = ("edge", "errors", "metric_catalogue")
    assert breaches(below("fsxn_runtime.edge"), lambda m: runtime_except(m, *allowed)) == {}


def test_a_capability_imports_no_other() -> None:
    def wrong(module: Module) -> set[str]:
        mine = capability(module.name)
        if mine in COMPOSING:
            return set()
        allowed = EXPANSION_USES if mine == "expansion" else set()
        return runtime_except(module, mine, *SHARED, *allowed)

    assert breaches(below("fsxn_runtime"), wrong) == {}


def test_a_capability_is_used_only_by_what_its_package_offers() -> None:
    """`fsxn_runtime.lineage.LineageTracker`, not `fsxn_runtime.lineage.tracker.LineageTracker`."""
    known = {module.name for module in modules()}

    def wrong(module: Module) -> set[str]:
        others = runtime_except(module, capability(module.name), *SHARED)
        return {
            name
            for name in others
            if (name in known or name.count(".") > 2) and not any(name.startswith(each) for each in OFFERED)
        }

    assert breaches([m for m in below("fsxn_runtime") if capability(m.name)], wrong) == {}


def test_cores_and_models_are_pure() -> None:
    def wrong(module: Module) -> set[str]:
        outside = {name for name in module.imports if name.split(".")[0] in IMPURE}
        return outside | module.imports_of("fsxn_runtime.edge")

    assert breaches(of_roles("core", "model"), wrong) == {}


def test_cores_and_models_know_no_store_handler_or_settings() -> None:
    others = ("store", "client", "clients", "handler", "settings")
    assert breaches(of_roles("core", "model"), lambda m: siblings(m, *others)) == {}


def test_a_model_knows_only_errors_and_events() -> None:
    def wrong(module: Module) -> set[str]:
        return runtime_except(module, "errors", "events", capability(module.name)) | siblings(module, "core")

    assert breaches(of_roles("model"), wrong) == {}


def test_a_store_decides_nothing() -> None:
    assert (
        breaches(of_roles("store", "client", "clients"), lambda m: siblings(m, "core", "handler", "settings"))
        == {}
    )


def test_nobody_imports_a_handler() -> None:
    def wrong(module: Module) -> set[str]:
        return {name for name in module.imports_of("fsxn_runtime") if "handler" in name.split(".")[2:]}

    assert breaches([*below("fsxn_runtime"), *below("fpolicy_server")], wrong) == {}


def test_the_wire_is_sans_io() -> None:
    def wrong(module: Module) -> set[str]:
        outside = {name for name in module.imports if name.split(".")[0] in IMPURE}
        others = module.imports_of("fpolicy_server") - module.imports_of("fpolicy_server.wire")
        return outside | others | module.imports_of("fsxn_runtime.edge")

    assert breaches(below("fpolicy_server.wire"), wrong) == {}


def test_delivery_knows_neither_wire_nor_session() -> None:
    others = ("fpolicy_server.wire", "fpolicy_server.session", "fpolicy_server.main")
    assert breaches(below("fpolicy_server.delivery"), lambda m: of_packages(m, *others)) == {}


def test_session_and_translation_do_not_reach_aws() -> None:
    joining = [m for m in below("fpolicy_server") if m.path.stem in ("session", "translate")]
    aws = ("fsxn_runtime.edge.clients", "boto3", "botocore")
    assert breaches(joining, lambda m: of_packages(m, *aws)) == {}
