"""Terraform sets exactly the names that Settings reads, for every function and for the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from fpolicy_server.settings import Settings as ServerSettings
from fsxn_runtime.canary.settings import CanarySettings, MonitorSettings
from fsxn_runtime.diagnose.settings import DiagnoseSettings
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.event_router.settings import Settings as RouterSettings
from fsxn_runtime.expansion.settings import ApprovalSettings, ExpansionSettings
from fsxn_runtime.forecast.settings import Settings as ForecastSettings
from fsxn_runtime.fpolicy.settings import ReconcileSettings
from fsxn_runtime.guardrails.settings import GuardrailSettings
from fsxn_runtime.lineage.settings import LineageSettings
from fsxn_runtime.lineage_export.settings import ExportSettings
from fsxn_runtime.rotation.settings import Settings as RotationSettings
from fsxn_runtime.workloads.content_inventory.settings import InventorySettings
from fsxn_runtime.workloads.rename_watcher.settings import WatcherSettings
from fsxn_runtime.workloads.settings import FinishSettings, PollSettings, StartSettings

from tests.structure.source_tree import ROOT

Reader = Callable[[Mapping[str, str]], object]

# What each function reads at its start.
READERS: dict[str, list[Reader]] = {
    "canary.handler": [CanarySettings.from_env],
    "fsxn_runtime.canary.monitor.handler": [MonitorSettings.from_env],
    "fsxn_runtime.diagnose.handler.handler": [DiagnoseSettings.from_env],
    "fsxn_runtime.event_router.handler.handler": [RouterSettings.from_env],
    "fsxn_runtime.expansion.handler.handler": [
        ExpansionSettings.from_env,
        GuardrailSettings.from_env,
        LineageSettings.from_env,
    ],
    "fsxn_runtime.expansion.approval_handler.handler": [
        ApprovalSettings.from_env,
        GuardrailSettings.from_env,
    ],
    "fsxn_runtime.forecast.handler.handler": [ForecastSettings.from_env],
    "fsxn_runtime.fpolicy.handler.handler": [ReconcileSettings.from_env],
    "fsxn_runtime.lineage_export.handler.handler": [ExportSettings.from_env],
    "fsxn_runtime.rotation.handler.handler": [RotationSettings.from_env],
    "fsxn_runtime.workloads.start.handler": [StartSettings.from_env, LineageSettings.from_env],
    "fsxn_runtime.workloads.poll.handler": [PollSettings.from_env],
    "fsxn_runtime.workloads.finish.handler": [FinishSettings.from_env, LineageSettings.from_env],
    "fsxn_runtime.workloads.rename_watcher.handler.handler": [
        WatcherSettings.from_env,
        LineageSettings.from_env,
    ],
    "fsxn_runtime.workloads.content_inventory.handler.handler": [
        InventorySettings.from_env,
        LineageSettings.from_env,
    ],
}
# Values to try for a name that must be set: some reader takes each of them.
CANDIDATES = [
    "",
    "1",
    "https://sqs.us-east-1.amazonaws.com/queue",
    "/vol1",
    "arn:aws:s3:us-east-1:111122223333:accesspoint/vol1",
]


class Recorder(dict[str, str]):
    """An environment that remembers which names were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name: str, default: object = None) -> str:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, "")

    def __getitem__(self, name: str) -> str:
        return self.get(name)


def names_read_by(reader: Reader) -> set[str]:
    """Run the reader with plausible values until it is content; give all names it asked for."""
    env = Recorder()
    tried: dict[str, int] = {}
    while True:
        try:
            reader(env)
        except MisconfiguredError as error:
            name = str(error).split()[0]
            tried[name] = tried.get(name, 0) + 1
            assert tried[name] < len(CANDIDATES), error
            env[name] = CANDIDATES[tried[name]]
        else:
            return env.asked


def block_after(text: str, start: int) -> str:
    """The text from the brace at or after `start` to the one that closes it."""
    opening = text.index("{", start)
    depth = 0
    for position in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[opening : position + 1]
    raise AssertionError("a brace is not closed")


def keys_of(block: str) -> set[str]:
    return set(re.findall(r"^\s*([A-Z][A-Z0-9_]*)\s*=", block, re.MULTILINE))


def functions_in_terraform() -> Iterator[tuple[str, set[str]]]:
    """Handler and environment names of every call of modules/lambda-function, and of every canary."""
    for path in sorted((ROOT / "modules").glob("*/*.tf")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r'^(module|resource "aws_synthetics_canary") "\w+" {', text, re.MULTILINE):
            block = block_after(text, match.start())
            if "/lambda-function" in block or "canary" in match.group():
                handler = re.search(r'handler\s*=\s*"([\w.]+)"', block)
                environment = re.search(r"^ +environment(_variables)?\s*=", block, re.MULTILINE)
                assert handler and environment, f"{path}: {match.group()}"
                yield handler.group(1), keys_of(block_after(block, environment.start()))


TERRAFORM = dict(functions_in_terraform())


def test_terraform_makes_exactly_the_functions_that_are_known_here() -> None:
    assert TERRAFORM.keys() == READERS.keys()


@pytest.mark.parametrize("handler", READERS)
def test_terraform_sets_exactly_the_names_that_a_function_reads(handler: str) -> None:
    read = set().union(*(names_read_by(reader) for reader in READERS[handler]))
    assert TERRAFORM[handler] == read


def test_terraform_sets_exactly_the_names_that_the_server_reads() -> None:
    main = (ROOT / "modules/fpolicy-ecs/main.tf").read_text(encoding="utf-8")
    blocks = (block_after(main, main.index(f"{name} =")) for name in ("_environment", "_secrets"))
    assert set().union(*map(keys_of, blocks)) == names_read_by(ServerSettings.from_env)


def test_handlers_in_terraform_are_the_packaged_ones() -> None:
    packaged = Path(ROOT / "python/lambdas.toml").read_text(encoding="utf-8")
    assert TERRAFORM.keys() == set(re.findall(r'^handler = "(.*)"$', packaged, re.MULTILINE))
