"""What Terraform puts into the environment is what each program reads, and in its range."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

import pytest
from fpolicy_server.settings import Settings as ServerSettings
from fsxn_runtime.canary.settings import CanarySettings, MonitorSettings
from fsxn_runtime.diagnose.settings import DiagnoseSettings
from fsxn_runtime.event_router.settings import Settings as RouterSettings
from fsxn_runtime.expansion.settings import ExpansionSettings
from fsxn_runtime.forecast.settings import Settings as ForecastSettings
from fsxn_runtime.fpolicy.settings import ReconcileSettings
from fsxn_runtime.guardrails.settings import GuardrailSettings
from fsxn_runtime.lineage.settings import LineageSettings
from fsxn_runtime.lineage_export.settings import ExportSettings
from fsxn_runtime.rotation.settings import Settings as RotationSettings
from fsxn_runtime.workloads.content_inventory.settings import InventorySettings
from fsxn_runtime.workloads.rename_watcher.settings import WatcherSettings
from fsxn_runtime.workloads.settings import FinishSettings, PollSettings, StartSettings

from tests.terraform.conftest import Evaluate
from tools.terraform_inventory import Resource

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-roots")]

READERS: Mapping[str, tuple[Callable[[Mapping[str, str]], object], ...]] = {
    "access-point-monitor": (MonitorSettings.from_env,),
    "diagnose": (DiagnoseSettings.from_env,),
    "expand": (ExpansionSettings.from_env, GuardrailSettings.from_env, LineageSettings.from_env),
    "lineage-export": (ExportSettings.from_env,),
    "poll": (PollSettings.from_env,),
    "rotate": (RotationSettings.from_env,),
    "route": (RouterSettings.from_env,),
    # Lineage's are read when RECORD_DECISIONS is "all".
    "start": (StartSettings.from_env, LineageSettings.from_env),
    "forecast": (ForecastSettings.from_env,),
    "reconcile": (ReconcileSettings.from_env,),
    "finish": (FinishSettings.from_env, LineageSettings.from_env),
    "fsxn_runtime.workloads.content_inventory.handler.handler": (
        InventorySettings.from_env,
        LineageSettings.from_env,
    ),
    "fsxn_runtime.workloads.rename_watcher.handler.handler": (
        WatcherSettings.from_env,
        LineageSettings.from_env,
    ),
}


class Recorder(Mapping[str, str]):
    """An environment that notes which names were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_by_name = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def usable(value: str) -> str:
    """A URL in place of the name that stands for one, because settings check its form."""
    return re.sub(r"^aws_sqs_queue\((.*)\)\.url$", r"https://queue.example.com/\1", value)


def environment_of_function(resource: Resource) -> Recorder:
    variables = resource["values"]["environment"][0]["variables"]
    return Recorder({name: usable(value) for name, value in variables.items()})


@pytest.mark.parametrize("root", ["local", "poc", "production"])
@pytest.mark.parametrize("function", sorted(READERS))
def test_a_function_gets_exactly_the_settings_that_it_reads(
    root: str, function: str, evaluated: Evaluate
) -> None:
    found = [
        resource
        for resource in evaluated(root)
        if resource["type"] == "aws_lambda_function"
        # By its name, or by its handler where workloads name theirs alike.
        and (
            resource["values"]["function_name"].endswith(f"-{function}")
            or resource["values"]["handler"] == function
        )
    ]
    assert found or (root, function) == ("poc", "poll")  # its workload takes events alone
    for environment in map(environment_of_function, found):
        for read in READERS[function]:
            read(environment)
        assert environment.asked == set(environment)


@pytest.mark.parametrize("root", ["poc", "production"])
def test_the_canary_gets_exactly_the_settings_that_it_reads(root: str, evaluated: Evaluate) -> None:
    (canary,) = (each for each in evaluated(root) if each["type"] == "aws_synthetics_canary")
    environment = Recorder(canary["values"]["run_config"][0]["environment_variables"])
    CanarySettings.from_env(environment)
    assert environment.asked == set(environment)


@pytest.mark.parametrize("root", ["local", "poc", "production"])
def test_the_server_accepts_its_settings_and_reads_every_one(root: str, evaluated: Evaluate) -> None:
    (task,) = (resource for resource in evaluated(root) if resource["type"] == "aws_ecs_task_definition")
    (container,) = json.loads(task["values"]["container_definitions"])
    environment = Recorder({entry["name"]: usable(entry["value"]) for entry in container["environment"]})
    ServerSettings.from_env(environment)
    left_out_when_empty = {
        "FPOLICY_ALLOWED_PEERS",
        "FPOLICY_ALLOWED_POLICIES",
        "FPOLICY_CAPTURE_DIR",
        "FPOLICY_DENY_RULES",
        "FPOLICY_PROTOBUF_FIELD_MAP",
        "PROTOBUF_FRAMING_MODE",
    }
    from_secrets = {"FPOLICY_TLS_CERT", "FPOLICY_TLS_CLIENT_CA", "FPOLICY_TLS_KEY"}  # no root here has any
    without_spool = {"FPOLICY_SPOOL_DIR", "FPOLICY_SPOOL_LASTING", "FPOLICY_SPOOL_MAX_BYTES"} - set(
        environment
    )
    assert environment.asked - left_out_when_empty - from_secrets - without_spool == set(environment)
