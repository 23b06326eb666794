"""What a task definition and a service ask for really runs: real processes, real emulator."""

from __future__ import annotations

import itertools
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cloud.clients import ACCOUNT_ID
from lab.cloud.ecs_definition import Image
from lab.cloud.ecs_runner import EcsRunner, TaskStatus
from lab.cloud.emulator import Emulator
from tests.lab.cloud.functions import make_role
from tests.support.waiting import wait_until

GROUP = "/ecs/test"
TASK_EVENTS = "task-events"
FOREVER = "import time\nwhile True: time.sleep(60)"
SERVER = """
import http.server, os
host, _, port = os.environ["FPOLICY_HEALTH_LISTEN"].rpartition(":")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["ANSWER"].encode())
    def log_message(self, *a): pass
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""
names = (f"service-{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def runner(emulator: Emulator) -> Iterator[EcsRunner]:
    prepare(emulator)
    with EcsRunner(emulator, images={"tool": Image()}) as running:
        yield running


def prepare(emulator: Emulator) -> None:
    """A cluster, the log group and the two roles that the definitions here name."""
    emulator.client("ecs").create_cluster(clusterName="lab")
    emulator.client("logs").create_log_group(logGroupName=GROUP)
    for name in ("task-role", "execution-role"):
        make_ecs_role(emulator, name)


def make_ecs_role(emulator: Emulator, name: str, service: str = "ecs-tasks.amazonaws.com") -> None:
    """A role for tasks that may write logs, read secrets and parameters below `lab`, and nothing else."""
    make_role(
        emulator,
        name,
        [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:{GROUP}:*",
            },
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter"],
                "Resource": [
                    f"arn:aws:secretsmanager:us-east-1:{ACCOUNT_ID}:secret:lab/*",
                    f"arn:aws:ssm:us-east-1:{ACCOUNT_ID}:parameter/lab/*",
                ],
            },
        ],
    )
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    emulator.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)


def register(emulator: Emulator, family: str, code: str, **container: Any) -> str:
    """Register a task definition that runs `code` in Python; answers its ARN."""
    task = container.pop("task", {})
    definition = {
        "name": "main",
        "image": "registry.example/team/tool:1",
        "command": ["python3", "-c", code],
        "stopTimeout": 5,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": GROUP, "awslogs-stream-prefix": family},
        },
        **container,
    }
    answer = emulator.client("ecs").register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[definition],
        **{
            "taskRoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/task-role",
            "executionRoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/execution-role",
            **task,
        },
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


@pytest.fixture
def service(emulator: Emulator, runner: EcsRunner) -> Iterator[Any]:
    """Make services; they are deleted, and their tasks have ended, after the test."""
    made = []
    ecs = emulator.client("ecs")

    def make(code: str, count: int = 1, deployment: dict[str, int] | None = None, **container: Any) -> str:
        name = next(names)
        definition = register(emulator, name, code, **container)
        percentages = deployment or {"minimumHealthyPercent": 100, "maximumPercent": 200}
        ecs.create_service(
            cluster="lab",
            serviceName=name,
            taskDefinition=definition,
            desiredCount=count,
            deploymentConfiguration=percentages,
        )
        made.append(name)
        return name

    yield make
    for name in made:
        ecs.delete_service(cluster="lab", service=name, force=True)
    wait_until(lambda: not any(task.service in made for task in runner.tasks()))


def running(runner: EcsRunner, name: str, count: int = 1) -> list[TaskStatus]:
    """Wait for exactly `count` tasks, all RUNNING."""

    def condition() -> list[TaskStatus]:
        tasks = runner.tasks(name)
        good = len(tasks) == count and all(task.status == "RUNNING" for task in tasks)
        return tasks if good else []

    try:
        return wait_until(condition)
    except AssertionError:
        print(runner.all_tasks(name))
        raise


def stream_lines(emulator: Emulator, task: TaskStatus) -> list[str]:
    """The lines that a task's log stream has so far."""
    logs = emulator.client("logs")
    stream = f"{task.service}/main/{task.task_id}"
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"] for event in events]


def test_as_many_processes_run_as_the_service_wants(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    """Two tasks with addresses of their own; the ECS API shows them; scaling down ends one."""
    name = service(FOREVER, count=2)
    tasks = running(runner, name, 2)
    assert len({task.address for task in tasks}) == 2

    ecs = emulator.client("ecs")
    wait_until(
        lambda: ecs.describe_services(cluster="lab", services=[name])["services"][0]["runningCount"] == 2
    )
    listed = ecs.list_tasks(cluster="lab", serviceName=name)["taskArns"]
    assert sorted(listed) == sorted(task.arn for task in tasks)
    shown = ecs.describe_tasks(cluster="lab", tasks=[tasks[0].arn])["tasks"][0]
    assert shown["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] == tasks[0].address

    ecs.update_service(cluster="lab", service=name, desiredCount=1)
    (left,) = running(runner, name, 1)
    assert left.task_id == tasks[0].task_id
    wait_until(lambda: not Path(f"/proc/{tasks[1].pid}").exists())


def test_a_task_listens_on_its_own_address(runner: EcsRunner, service: Any) -> None:
    """Only the host part of the two LISTEN settings differs from what the definition says."""
    environment = [
        {"name": "FPOLICY_LISTEN", "value": "0.0.0.0:19898"},
        {"name": "FPOLICY_HEALTH_LISTEN", "value": "0.0.0.0:19899"},
        {"name": "ANSWER", "value": "hello"},
    ]
    name = service(SERVER, count=2, environment=environment)
    for task in running(runner, name, 2):
        wait_until(lambda task=task: answer_of(task.address) == "hello")


def answer_of(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}:19899/", timeout=2) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_the_container_sees_its_definition_and_nothing_of_this_machine(
    emulator: Emulator, runner: EcsRunner, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    code = "import json, os\nprint(json.dumps(dict(os.environ)), flush=True)\n" + FOREVER
    name = service(code, environment=[{"name": "GIVEN", "value": "value"}])
    (task,) = running(runner, name)
    (line,) = wait_until(lambda: stream_lines(emulator, task))
    seen = json.loads(line)
    assert seen["GIVEN"] == "value"
    assert seen["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert "LEAKED" not in seen
    assert "AWS_ACCESS_KEY_ID" not in seen


def test_secrets_and_parameters_are_read_by_the_execution_role(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    secret = emulator.client("secretsmanager").create_secret(
        Name="lab/tls", SecretString=json.dumps({"key": "from-json"})
    )["ARN"]
    emulator.client("ssm").put_parameter(Name="/lab/field-map", Value="from-ssm", Type="SecureString")
    code = "import os\nprint(os.environ['KEY'], os.environ['MAP'], flush=True)\n" + FOREVER
    name = service(
        code,
        secrets=[
            {"name": "KEY", "valueFrom": f"{secret}:key::"},
            {"name": "MAP", "valueFrom": f"arn:aws:ssm:us-east-1:{ACCOUNT_ID}:parameter/lab/field-map"},
        ],
    )
    (task,) = running(runner, name)
    assert wait_until(lambda: stream_lines(emulator, task)) == ["from-json from-ssm"]


def test_a_secret_that_the_execution_role_may_not_read_stops_the_task(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    secret = emulator.client("secretsmanager").create_secret(Name="other/secret", SecretString="x")["ARN"]
    name = service(FOREVER, secrets=[{"name": "KEY", "valueFrom": secret}])
    assert "AccessDenied" in first_stopped_reason(runner, name)


def first_stopped_reason(runner: EcsRunner, name: str) -> str:
    return wait_until(
        lambda: next((t.stopped_reason for t in runner.all_tasks(name) if t.status == "STOPPED"), "")
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image": "registry.example/other:1"}, "image 'registry.example/other:1' is unknown"),
        ({"command": ["no-such-program"]}, "exited"),
        ({"task": {"taskRoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/lambda-only"}}, "does not trust"),
    ],
    ids=["unknown-image", "no-program", "role-of-another-service"],
)
def test_a_task_that_cannot_start_says_why(
    emulator: Emulator, runner: EcsRunner, service: Any, change: dict[str, Any], reason: str
) -> None:
    emulator_roles = emulator.client("iam").list_roles()["Roles"]
    if "lambda-only" not in [role["RoleName"] for role in emulator_roles]:
        make_role(emulator, "lambda-only", [])
        make_ecs_role(emulator, "lambda-only", service="lambda.amazonaws.com")
    assert reason in first_stopped_reason(runner, service(FOREVER, **change))


def test_the_task_role_is_enforced(emulator: Emulator, runner: EcsRunner, service: Any) -> None:
    """The same program: allowed what the role allows (its log group's streams), refused anything else."""
    code = (
        "import boto3, botocore.exceptions as e\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'], flush=True)\n"
        "try:\n    boto3.client('sqs').list_queues(); print('allowed', flush=True)\n"
        "except e.ClientError as error:\n    print(error.response['Error']['Code'], flush=True)\n"
    ) + FOREVER
    (task,) = running(runner, service(code))
    lines = wait_until(lambda: len(found := stream_lines(emulator, task)) == 2 and found)
    assert ":assumed-role/task-role/" in lines[0]
    assert "AccessDenied" in lines[1]


def test_credentials_are_for_whoever_shows_the_tasks_token(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    code = "import os\nprint(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], flush=True)\n" + FOREVER
    (task,) = running(runner, service(code))
    (uri,) = wait_until(lambda: stream_lines(emulator, task))
    request = urllib.request.Request(uri, headers={"Authorization": "guess"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=5)


def test_a_dead_task_is_replaced(runner: EcsRunner, service: Any) -> None:
    name = service(FOREVER)
    (task,) = running(runner, name)
    runner.kill(task, signal.SIGKILL)
    replacement = wait_until(lambda: [t for t in running(runner, name) if t.task_id != task.task_id])[0]
    assert replacement.pid != task.pid


def test_sigterm_first_and_sigkill_after_the_stop_timeout(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    """A container that ignores SIGTERM is killed; its last lines are in the log."""
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\n"
        "print('ready', flush=True)\n"
    ) + FOREVER
    name = service(code, stopTimeout=2)
    (task,) = running(runner, name)
    wait_until(lambda: stream_lines(emulator, task))
    emulator.client("ecs").update_service(cluster="lab", service=name, desiredCount=0)
    ecs = emulator.client("ecs")
    stopped = wait_until(
        lambda: (
            (t := ecs.describe_tasks(cluster="lab", tasks=[task.arn])["tasks"][0])["lastStatus"] == "STOPPED"
            and t
        )
    )
    assert stream_lines(emulator, task) == ["ready", "asked"]
    assert stopped["containers"][0]["exitCode"] == 128 + signal.SIGKILL


def test_a_deployment_keeps_the_old_task_until_the_new_one_is_healthy(
    emulator: Emulator, runner: EcsRunner, service: Any, tmp_path: Path
) -> None:
    """The new task's health check succeeds when a file appears; until then both tasks run."""
    name = service(FOREVER)
    (old,) = running(runner, name)
    gate = tmp_path / "healthy"
    check = {"command": ["CMD-SHELL", f"test -e {gate}"], "interval": 5, "retries": 10}
    definition = register(emulator, name, FOREVER, healthCheck={**check})
    ecs = emulator.client("ecs")
    ecs.update_service(cluster="lab", service=name, taskDefinition=definition)
    both = running(runner, name, 2)
    assert both[0].task_id == old.task_id
    assert both[1].health == "UNKNOWN"
    gate.touch()
    (new,) = running(runner, name, 1)
    assert new.task_id == both[1].task_id
    deployments = wait_until(
        lambda: (
            len(d := ecs.describe_services(cluster="lab", services=[name])["services"][0]["deployments"]) == 1
            and d
        )
    )
    assert deployments[0]["rolloutState"] == "COMPLETED"
    shown = ecs.describe_tasks(cluster="lab", tasks=[new.arn])["tasks"][0]
    assert shown["healthStatus"] == "HEALTHY"


def test_an_unhealthy_task_is_stopped_and_replaced(runner: EcsRunner, service: Any) -> None:
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}
    name = service(FOREVER, healthCheck=check)
    (task,) = running(runner, name)
    assert first_stopped_reason(runner, name) == "Task failed container health checks"
    wait_until(lambda: [t for t in running(runner, name) if t.task_id != task.task_id])


def test_stop_task_stops_the_task_and_the_service_replaces_it(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    name = service(FOREVER)
    (task,) = running(runner, name)
    emulator.client("ecs").stop_task(cluster="lab", task=task.arn, reason="by hand")
    wait_until(lambda: [t for t in running(runner, name) if t.task_id != task.task_id])
    assert first_stopped_reason(runner, name) == "by hand"


def test_task_state_changes_reach_the_default_bus(
    emulator: Emulator, runner: EcsRunner, service: Any
) -> None:
    sqs, events = emulator.client("sqs"), emulator.client("events")
    url = sqs.create_queue(QueueName=TASK_EVENTS)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}
    events.put_rule(Name=TASK_EVENTS, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=TASK_EVENTS, Targets=[{"Id": "queue", "Arn": arn}])

    name = service(FOREVER)
    (task,) = running(runner, name)
    runner.kill(task, signal.SIGTERM)
    seen: list[dict[str, Any]] = []

    def ended() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            detail = json.loads(message["Body"])["detail"]
            if detail["taskArn"] == task.arn:
                seen.append(detail)
        return any(detail["lastStatus"] == "STOPPED" for detail in seen)

    wait_until(ended)
    seen.sort(key=lambda detail: int(detail["version"]))
    states = [(detail["lastStatus"], detail["desiredStatus"]) for detail in seen]
    assert states[0] == ("PENDING", "RUNNING")
    assert ("RUNNING", "RUNNING") in states
    assert states[-1] == ("STOPPED", "STOPPED")
    started = next(detail for detail in seen if detail["lastStatus"] == "RUNNING")
    assert started["group"] == f"service:{name}"
    details = {entry["name"]: entry["value"] for entry in started["attachments"][0]["details"]}
    assert details["privateIPv4Address"] == task.address
    assert seen[-1]["stopCode"] == "EssentialContainerExited"


def test_after_stop_no_process_is_left(tmp_path: Path) -> None:
    """Also what the container itself started; the log stays where it was asked for."""
    code = "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid, flush=True)\n" + FOREVER
    with Emulator() as emulator:
        prepare(emulator)
        definition = register(emulator, "family", code)
        emulator.client("ecs").create_service(
            cluster="lab", serviceName="own", taskDefinition=definition, desiredCount=1
        )
        with EcsRunner(emulator, images={"tool": Image()}, directory=tmp_path) as own:
            (task,) = running(own, "own")
            child = int(wait_until(lambda: task.log_path.exists() and task.log_path.read_text()))
    for pid in (task.pid, child):
        wait_until(lambda pid=pid: not alive(pid))
    assert task.log_path.exists()


def test_stop_lets_a_task_finish_what_sigterm_makes_it_do(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def drain(*_):\n"
        "    time.sleep(0.5)\n"
        "    sys.exit('drained')\n"
        "signal.signal(signal.SIGTERM, drain)\n"
        "print('ready', flush=True)\n"
    ) + FOREVER
    with Emulator() as emulator:
        prepare(emulator)
        definition = register(emulator, "family", code)
        emulator.client("ecs").create_service(
            cluster="lab", serviceName="own", taskDefinition=definition, desiredCount=1
        )
        with EcsRunner(emulator, images={"tool": Image()}, directory=tmp_path) as own:
            (task,) = running(own, "own")
            wait_until(lambda: task.log_path.exists() and task.log_path.read_text())
    assert task.log_path.read_text().split() == ["ready", "drained"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
