"""Approval by link on the real parts: Terraform, Step Functions, both functions from their zips, HTTP.

An emulator and a simulator of its own, because it is another root than envs/local.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.cloud.clients import local_client
from lab.cloud.emulator import Emulator
from lab.inbox import Inbox
from lab.ontap_sim.client import SimClient
from lab.ontap_sim.process import SimProcess
from lab.terraform import Terraform
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local-approval"), pytest.mark.timeout(300)]

ROOT = Path(__file__).parent / "roots" / "approval"
GIB = 2**30
FILE_SYSTEM = "fs-0123456789abcdef0"
SAFE_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass
class Site:
    """The applied root: its outputs, the simulated FSx behind it, what people were told."""

    aws: Emulator
    sim: SimClient
    outputs: dict[str, Any]
    inbox: Inbox
    terraform: Terraform

    def invoke(self, **event: str) -> dict[str, Any]:
        """Invoke the expand function as a person or a schedule does; give its first answer."""
        name = self.outputs["expansion"]["function_name"]
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload["answers"][0] if payload["answers"] else {}

    def propose(self, request_id: str, volume_id: str = "") -> tuple[str, str]:
        """Ask for a growth; give the operation's id and the link that people are told."""
        answer = self.invoke(
            action="grow", request_id=request_id, file_system_id=FILE_SYSTEM, volume_id=volume_id
        )
        assert answer["outcome"] == "proposed", answer
        return answer["operation_id"], self.link(answer["operation_id"])

    def link(self, operation_id: str, number: int = 0) -> str:
        """The link of an operation's notification; the first unless another is asked for."""

        def told() -> list[str]:
            return self.inbox.found("Expansion proposed", operation_id, "decide")

        wait_until(lambda: len(told()) > number)
        link: str = json.loads(told()[number])["decide"]
        return link

    def request(self, method: str, link: str, form: str = "") -> tuple[int, str, Mapping[str, str]]:
        """Send a request as a browser does; the emulator knows a function URL by its Host header."""
        url, place = urlsplit(link), urlsplit(self.aws.endpoint)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        headers = {"Host": url.netloc, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, url.path, form, headers)
        try:
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read().decode(), found
        finally:
            connection.close()

    def operation(self, operation_id: str) -> dict[str, str]:
        """The operation's item as it lies in the table."""
        key = {"pk": {"S": "OPERATION"}, "sk": {"S": operation_id}}
        table = self.outputs["expansion"]["table_name"]
        item = self.aws.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}

    def execution(self, operation_id: str) -> str:
        """The status of the execution that asks about an operation."""
        machine = self.outputs["approval"]["state_machine_arn"]
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{operation_id}"
        status: str = self.aws.client("stepfunctions").describe_execution(executionArn=arn)["status"]
        return status

    def ssd_gib(self) -> int:
        fsx = local_client("fsx", self.sim.ready["fsx"])
        (file_system,) = fsx.describe_file_systems()["FileSystems"]
        return int(file_system["StorageCapacity"])

    def logs(self) -> str:
        """Everything that both functions have logged."""
        client, found = self.aws.client("logs"), []
        for group in self.outputs["expansion"]["log_groups"]:
            for page in client.get_paginator("filter_log_events").paginate(logGroupName=group):
                found += [event["message"] for event in page["events"]]
        return "\n".join(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("approval")
    volume = {"name": "vol1", "directory": str(folder / "vol1"), "size_bytes": 1000 * GIB}
    with Emulator() as aws:
        config = {
            "svms": [{"name": "svm1", "volumes": [volume]}],
            "s3": {"endpoint": aws.endpoint},
            "file_system": {"storage_capacity_gib": 1100},
        }
        with SimProcess(config, folder / "ontap") as running:
            sim = running.client
            aws.set_function_environment({"AWS_ENDPOINT_URL_FSX": sim.ready["fsx"]})
            (found,) = local_client("fsx", sim.ready["fsx"]).describe_volumes()["Volumes"]
            terraform = Terraform(
                ROOT,
                folder / "terraform",
                endpoint=aws.endpoint,
                variables={"volume_id": found["VolumeId"]},
            )
            terraform.init()
            terraform.apply()
            outputs = terraform.output()
            with Inbox(aws, outputs["topic_arn"]) as inbox:
                yield Site(aws, sim, outputs, inbox, terraform)


def fill(sim: SimClient, gib: int) -> None:
    sim.fsx("fill", volume="vol1", bytes=gib * GIB)
    sim.fsx("metrics")


def completed(site: Site, operation_id: str) -> Callable[[], bool]:
    def look() -> bool:
        site.invoke(action="check")
        return site.operation(operation_id)["outcome"] == "completed"

    return look


def fsxn(site: Site, *arguments: str) -> tuple[int, str]:
    """Run a command of fsxn against the local AWS."""
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": site.aws.endpoint,
        "EXPANSION_FUNCTION": site.outputs["expansion"]["function_name"],
        "EXPANSION_TABLE": site.outputs["expansion"]["table_name"],
        "GUARDRAIL_TABLE": site.outputs["guardrail_table"],
        "PATH": os.environ["PATH"],
    }
    command = [str(Path(sys.executable).with_name("fsxn")), *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def propose_volume(site: Site, request_id: str) -> tuple[str, str]:
    """Ask for the volume: it is 83 % full, and a growth within the cap helps it."""
    fill(site.sim, 830)
    return site.propose(request_id, site.terraform.variables["volume_id"])


def test_reject_by_command_ends_the_waiting_execution_and_the_link(site: Site) -> None:
    operation_id, link = propose_volume(site, "r-2")
    assert fsxn(site, "expansion", "reject", operation_id, "--actor", "ann")[0] == 0
    wait_until(lambda: site.execution(operation_id) == "SUCCEEDED")
    assert re.fullmatch(r"arn:aws:\S+ \(ann\)", site.operation(operation_id)["actor"])
    assert site.request("POST", link, "decision=approve")[0] == 410


def test_reject_by_link_grows_nothing_and_ends_the_execution(site: Site) -> None:
    operation_id, link = propose_volume(site, "r-3")
    assert "Rejected" in site.request("POST", link, "decision=reject")[1]
    wait_until(lambda: site.execution(operation_id) == "SUCCEEDED")
    assert site.operation(operation_id)["outcome"] == "rejected"


def test_what_is_no_valid_link_has_one_clear_page_and_decides_nothing(site: Site) -> None:
    operation_id, link = propose_volume(site, "r-4")
    other = link[:-1] + ("A" if link[-1] != "A" else "B")
    base = link.rsplit("/", 2)[0]
    for wrong in (other, link[:-1], f"{base}/000000000000/{link.rsplit('/', 1)[1]}", f"{base}/", base):
        for method, form in (("GET", ""), ("POST", "decision=approve")):
            status, page, headers = site.request(method, wrong, form)
            assert (status, "This link is not valid" in page) == (404, True), wrong
            assert SAFE_HEADERS.items() <= headers.items()
            assert operation_id not in page
    assert site.request("POST", link, "decision=maybe")[0] == 400
    assert site.request("PUT", link, "decision=approve")[0] == 405
    assert site.operation(operation_id)["outcome"] == "proposed"
    assert "decision" not in site.operation(operation_id)
    assert site.request("POST", link, "decision=reject")[0] == 200


def test_of_many_answers_at_once_one_counts_and_the_rate_is_bounded(site: Site) -> None:
    """Reserved concurrency 2: the rest is throttled, used, or the one."""
    operation_id, link = propose_volume(site, "r-5")
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: site.request("POST", link, "decision=reject")[0], range(12)))
    assert found.count(200) == 1
    assert set(found) <= {200, 410, 429}
    wait_until(lambda: site.execution(operation_id) == "SUCCEEDED")


def test_an_expired_link_says_so_and_the_next_check_ends_the_execution(site: Site) -> None:
    operation_id, link = propose_volume(site, "r-6")
    day_ago = time.time_ns() // 1000 - 86_400_000_000
    site.aws.client("dynamodb").update_item(
        TableName=site.outputs["expansion"]["table_name"],
        Key={"pk": {"S": "OPERATION"}, "sk": {"S": operation_id}},
        UpdateExpression="SET created_us = :then",
        ExpressionAttributeValues={":then": {"N": str(day_ago)}},
    )
    for method, form in (("GET", ""), ("POST", "decision=approve")):
        status, page, _ = site.request(method, link, form)
        assert (status, "This proposal has expired" in page) == (410, True)
    site.invoke(action="check")
    assert site.operation(operation_id)["reason"] == "proposal_is_stale"
    wait_until(lambda: site.execution(operation_id) == "SUCCEEDED")
    assert site.request("GET", link)[0] == 410


def test_the_executions_time_out_ends_a_proposal(site: Site) -> None:
    """The deployed definition with a second in place of its day."""
    client = site.aws.client("stepfunctions")
    deployed = client.describe_state_machine(stateMachineArn=site.outputs["approval"]["state_machine_arn"])
    assert '"TimeoutSeconds": 86400' in deployed["definition"]
    definition = deployed["definition"].replace('"TimeoutSeconds": 86400', '"TimeoutSeconds": 1')
    quick = client.create_state_machine(name="quick", definition=definition, roleArn=deployed["roleArn"])
    operation_id, link = propose_volume(site, "r-7")
    client.start_execution(
        stateMachineArn=quick["stateMachineArn"], input=json.dumps({"operation_id": operation_id})
    )
    wait_until(lambda: site.operation(operation_id)["outcome"] == "rejected")
    assert site.operation(operation_id)["reason"] == "proposal_is_stale"
    assert site.request("GET", link)[0] == 404  # the second execution asked with a link of its own
    assert site.request("GET", site.link(operation_id, 1))[0] == 410


def test_approve_by_command_lets_the_execution_grow(site: Site) -> None:
    operation_id, link = propose_volume(site, "r-8")
    assert fsxn(site, "expansion", "approve", operation_id)[0] == 0
    wait_until(completed(site, operation_id))
    wait_until(lambda: site.execution(operation_id) == "SUCCEEDED")
    assert site.request("POST", link, "decision=approve")[0] == 410


def test_a_link_shows_denies_and_approves_a_growth(site: Site) -> None:
    """Looking changes nothing; an approval beyond the cap asks again; with a grant the next one grows.

    Result: the size, the execution's end, every earlier link used, no secret in any log.
    """
    fill(site.sim, 900)
    operation_id, link = site.propose("r-1")
    for _ in range(3):  # a mail scanner
        status, page, headers = site.request("GET", link)
        assert status == 200
        assert "1,100 → 1,286 GiB" in page
        assert "daily_cap_exceeded" in page
    assert SAFE_HEADERS.items() <= headers.items()
    assert "default-src 'none'" in headers["content-security-policy"]
    assert site.request("HEAD", link)[:2] == (200, "")
    assert site.operation(operation_id)["outcome"] == "proposed"

    assert site.request("POST", link, "decision=approve")[0] == 200
    second = site.link(operation_id, 1)  # the guardrail denied it, so it is asked again
    assert site.request("GET", link)[0] == 404  # a newer notification holds another link
    assert site.ssd_gib() == 1100
    assert fsxn(site, "guardrails", "break-glass", "--reason", "INC-7", "--minutes", "5")[0] == 0
    assert "break-glass grant" in site.request("GET", second)[1]
    task_token = site.operation(operation_id)["task_token"]
    assert site.request("POST", second, "decision=approve")[0] == 200
    wait_until(completed(site, operation_id))
    assert site.ssd_gib() == 1286
    wait_until(lambda: site.execution(operation_id) == "SUCCEEDED")
    status, page, _ = site.request("POST", second, "decision=reject")
    assert (status, "completed" in page) == (410, True)
    item = site.operation(operation_id)
    assert item["actor"] == "approval link from 127.0.0.1"
    assert "task_token" not in item
    logs = site.logs()
    assert "link.answered" in logs  # there is something to look through
    for secret in (link, second, task_token, link.rsplit("/", 1)[1], second.rsplit("/", 1)[1]):
        assert secret not in logs
    assert site.terraform.plan() is False
    assert fsxn(site, "guardrails", "revert")[0] == 0


def test_behind_iam_nobody_reaches_the_page_without_a_signature(site: Site) -> None:
    """The last: it changes the root."""
    site.terraform.variables = {**site.terraform.variables, "authorization": "AWS_IAM"}
    site.terraform.apply()
    assert site.terraform.plan() is False
    url = site.outputs["approval"]["url"]
    assert site.request("GET", f"{url}0123456789ab/{'A' * 43}")[0] == 403
