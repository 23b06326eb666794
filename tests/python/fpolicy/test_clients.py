"""What ECS, S3 and the servers' health endpoints say, as the reconciler reads it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fsxn_runtime.errors import MisconfiguredError
from fsxn_runtime.fpolicy.clients import Prober, Tasks, VolumeMapObject, address_of
from fsxn_runtime.fpolicy.model import Probe, Task
from hypothesis import given
from hypothesis import strategies as st

from lab.cloud.emulator import Emulator
from tests.support.emulator import emulator, emulator_process  # noqa: F401

START = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)

# tasks -----------------------------------------------------------------------------------------------


def attached(address: str, *, spelling: str = "privateIPv4Address", kind: str = "eni") -> dict[str, Any]:
    """An attachment: DescribeTasks calls its type ElasticNetworkInterface, events call it eni."""
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": spelling, "value": address}]
    return {"attachments": [{"type": kind, "details": details}]}


def in_container(address: str) -> dict[str, Any]:
    interfaces = [{"attachmentId": "a", "privateIpv4Address": address}]
    return {"containers": [{"name": "server", "networkInterfaces": interfaces}]}


def running(*places: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A task that runs and shall run."""
    task: dict[str, Any] = {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedAt": START}
    for place in places:
        task |= place
    return task | more


@pytest.mark.parametrize("kind", ["eni", "ElasticNetworkInterface", "anything"])
@pytest.mark.parametrize("spelling", ["privateIPv4Address", "privateIpv4Address"])
def test_an_attachments_address_is_read_in_either_spelling(spelling: str, kind: str) -> None:
    assert address_of(running(attached("10.0.1.7", spelling=spelling, kind=kind))) == "10.0.1.7"


def test_a_containers_address_is_read_where_no_attachment_has_one() -> None:
    assert address_of(running(in_container("10.0.1.8"))) == "10.0.1.8"
    empty = {"attachments": [{"type": "eni", "details": [{"name": "privateIPv4Address", "value": ""}]}]}
    assert address_of(running(empty, in_container("10.0.1.8"))) == "10.0.1.8"
    assert address_of(running(attached("10.0.1.7"), in_container("10.0.1.7"))) == "10.0.1.7"


@pytest.mark.parametrize(
    "states",
    [("PROVISIONING", "RUNNING"), ("PENDING", "RUNNING"), ("RUNNING", "STOPPED"), ("STOPPED", "STOPPED")],
)
def test_a_task_that_does_not_run_or_shall_not_has_no_address(states: tuple[str, str]) -> None:
    last, desired = states
    assert address_of(running(attached("10.0.1.7"), lastStatus=last, desiredStatus=desired)) == ""


_text = st.text(max_size=8)
_details = st.lists(st.dictionaries(st.sampled_from(["name", "value"]), _text), max_size=3)
_tasks = st.fixed_dictionaries(
    {"lastStatus": st.just("RUNNING"), "desiredStatus": st.just("RUNNING")},
    optional={
        "attachments": st.lists(st.fixed_dictionaries({}, optional={"details": _details}), max_size=2),
        "containers": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "networkInterfaces": st.lists(
                        st.dictionaries(st.sampled_from(["privateIpv4Address", "ipv6Address"]), _text),
                        max_size=2,
                    )
                },
            ),
            max_size=2,
        ),
    },
)


@given(_tasks)
def test_whatever_members_a_task_has_the_address_is_one_of_its_texts(task: dict[str, Any]) -> None:
    address = address_of(task)
    assert address == "" or json.dumps(address) in json.dumps(task)


class Ecs:
    """ListTasks and DescribeTasks: pages of at most `page`, descriptions of at most 100."""

    def __init__(self, tasks: Sequence[dict[str, Any]], page: int = 100) -> None:
        self._tasks = {f"arn:{number}": task for number, task in enumerate(tasks)}
        self._page = page
        self.described: list[int] = []
        self.hosts: dict[str, str] = {}
        self.asked_hosts: list[list[str]] = []

    def list_tasks(
        self,
        cluster: str,
        serviceName: str,  # noqa: N803 (boto3's)
        desiredStatus: str,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert (cluster, serviceName, desiredStatus) == ("c", "s", "RUNNING")
        start = int(nextToken)
        arns = list(self._tasks)[start : start + self._page]
        more = start + self._page < len(self._tasks)
        return {"taskArns": arns} | ({"nextToken": str(start + self._page)} if more else {})

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        assert cluster == "c"
        assert len(tasks) <= 100
        self.described.append(len(tasks))
        return {"tasks": [self._tasks[arn] for arn in tasks]}

    def describe_container_instances(
        self,
        cluster: str,
        containerInstances: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        assert cluster == "c"
        self.asked_hosts.append(containerInstances)
        known = [arn for arn in containerInstances if arn in self.hosts]
        attribute = {"name": "fpolicy.address"}
        return {
            "containerInstances": [
                {
                    "containerInstanceArn": arn,
                    "attributes": [{"name": "x"}, {**attribute, "value": self.hosts[arn]}],
                }
                for arn in known
            ]
        }


def test_all_pages_of_tasks_are_read_and_described_by_the_hundred() -> None:
    ecs = Ecs([running(attached(f"10.0.{n // 200}.{n % 200}")) for n in range(230)], page=90)
    found = Tasks(ecs, "c", "s", lambda _: Probe.READY).running()
    assert len({task.address for task in found}) == 230
    assert ecs.described == [100, 100, 30]


def test_tasks_come_in_order_each_with_its_own_answer_and_no_stopping_one() -> None:
    tasks = [running(attached("10.0.2.2")), running(in_container("10.0.1.1"))]
    tasks += [running(attached("10.0.3.3"), desiredStatus="STOPPED")]
    probes = {"10.0.1.1": Probe.READY, "10.0.2.2": Probe.SILENT}
    us = int(START.timestamp() * 1_000_000)
    assert Tasks(Ecs(tasks), "c", "s", probes.__getitem__).running() == [
        Task("10.0.1.1", Probe.READY, us),
        Task("10.0.2.2", Probe.SILENT, us),
    ]


@given(st.permutations([0, 1, 2]))
def test_of_tasks_with_one_address_the_newest_counts_in_whatever_order_they_come(order: list[int]) -> None:
    asked: list[str] = []

    def probe(address: str) -> Probe:
        asked.append(address)
        return Probe.READY

    tasks = [running(attached("10.0.1.1"), startedAt=START + timedelta(seconds=age)) for age in order]
    (task,) = Tasks(Ecs(tasks), "c", "s", probe).running()
    assert task.started_us == int((START + timedelta(seconds=2)).timestamp() * 1_000_000)
    assert asked == ["10.0.1.1"]


def on_host(arn: str, **members: str) -> dict[str, Any]:
    """A task of network mode host: no interface of its own."""
    return running({}, containerInstanceArn=arn, **members)


def test_a_task_without_an_interface_has_the_address_that_its_instance_says() -> None:
    """Of four: one whose instance says nothing has none, nor one that stops; one has its own interface."""
    tasks = [
        on_host("i:1"),
        on_host("i:2"),
        on_host("i:3", desiredStatus="STOPPED"),
        running(attached("10.0.9.9")),
    ]
    ecs = Ecs(tasks)
    ecs.hosts = {"i:1": "10.0.1.10", "i:3": "10.0.1.30"}
    found = Tasks(ecs, "c", "s", lambda _: Probe.READY).running()
    assert [task.address for task in found] == ["10.0.1.10", "10.0.9.9"]
    assert ecs.asked_hosts == [["i:1", "i:2"]]


def test_nobody_asks_for_instances_where_each_task_has_its_own_interface() -> None:
    ecs = Ecs([running({**attached("10.0.1.1"), "containerInstanceArn": "i:1"})])
    assert Tasks(ecs, "c", "s", lambda _: Probe.READY).running()[0].address == "10.0.1.1"
    assert ecs.asked_hosts == []


def test_a_task_without_a_start_is_an_old_one() -> None:
    task = running(attached("10.0.1.1"))
    del task["startedAt"]
    assert Tasks(Ecs([task]), "c", "s", lambda _: Probe.READY).running()[0].started_us == 0


# the probe -------------------------------------------------------------------------------------------


@contextmanager
def health(status: int) -> Iterator[int]:
    """A health endpoint that always answers so; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("status", "probe"), [(200, Probe.READY), (503, Probe.NOT_READY)])
def test_a_server_says_itself_whether_it_is_ready(status: int, probe: Probe) -> None:
    with health(status) as port:
        assert Prober(port)("127.0.0.1") is probe


def test_a_server_that_refuses_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    assert Prober(port)("127.0.0.1") is Probe.SILENT


def test_a_server_that_never_answers_is_silent_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert Prober(silent.getsockname()[1])("127.0.0.1") is Probe.SILENT


# the volume map --------------------------------------------------------------------------------------


def test_the_map_is_written_when_it_changed_and_not_otherwise(
    emulator: Emulator,  # noqa: F811
) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="config")
    place = VolumeMapObject(s3, "config", "map.json")
    assert place.put({"svms": {"b": 1, "a": 2}})
    assert not place.put({"svms": {"a": 2, "b": 1}})
    assert place.put({"svms": {}})
    assert json.loads(s3.get_object(Bucket="config", Key="map.json")["Body"].read()) == {"svms": {}}


def test_a_map_without_its_bucket_is_an_error(emulator: Emulator) -> None:  # noqa: F811
    with pytest.raises(MisconfiguredError, match="NoSuchBucket"):
        VolumeMapObject(emulator.client("s3"), "nowhere", "map.json").put({})
