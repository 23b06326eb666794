"""What boto3 says about the objects of `roots/every_type`: a second opinion, past the provider.

Each entry: type -> (function, value in round 1, value in round 2). A function raises ClientError, LookupError
or StopIteration, or returns None, when the object is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Clients = Callable[[str], Any]
Look = Callable[[Clients], Any]

QUEUE = "lab-main"
TOPIC = "arn:aws:sns:us-east-1:000000000000:lab-topic"
POLICY = "arn:aws:iam::000000000000:policy/lab-policy"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:lab-machine"


def queue(clients: Clients, prefix: str, *names: str) -> Any:
    sqs = clients("sqs")
    url = sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"][0]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return [found.get(name) for name in names] if len(names) > 1 else found.get(names[0])


def subscription(clients: Clients) -> Any:
    sns = clients("sns")
    arn = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"][0]["SubscriptionArn"]
    return sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["RawMessageDelivery"]


def key(clients: Clients) -> Any:
    """Description and rotation of the key behind the alias, or of the one that waits for deletion."""
    kms = clients("kms")
    alive = [
        found
        for found in (kms.describe_key(KeyId=k["KeyId"])["KeyMetadata"] for k in kms.list_keys()["Keys"])
        if found["KeyState"] != "PendingDeletion"
    ]
    rotation = kms.get_key_rotation_status(KeyId=alive[0]["KeyId"])["KeyRotationEnabled"]
    return [alive[0]["Description"], rotation]


def aliases(clients: Clients) -> list[str]:
    return [found["AliasName"] for found in clients("kms").list_aliases()["Aliases"]]


def table(clients: Clients) -> Any:
    dynamodb = clients("dynamodb")
    found = dynamodb.describe_table(TableName="lab-table")["Table"]
    backups = dynamodb.describe_continuous_backups(TableName="lab-table")["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    indexes = sorted(index["IndexName"] for index in found["GlobalSecondaryIndexes"])
    return [recovery, indexes, found.get("StreamSpecification", {}).get("StreamEnabled", False)]


def rule(clients: Clients) -> Any:
    found = clients("events").describe_rule(Name="lab-rule", EventBusName="lab-bus")
    return [found["State"], json.loads(found["EventPattern"])["detail-type"]]


def target(clients: Clients) -> Any:
    return json.loads(clients("events").list_targets_by_rule(Rule="lab-sched")["Targets"][0]["Input"])["v"]


def function(clients: Clients) -> Any:
    found = clients("lambda").get_function(FunctionName="lab-fn")
    config = found["Configuration"]
    reserved = found.get("Concurrency", {}).get("ReservedConcurrentExecutions")
    return [config["MemorySize"], config["Environment"]["Variables"]["A"], reserved]


def mapping(clients: Clients) -> Any:
    found = clients("lambda").list_event_source_mappings(FunctionName="lab-fn")["EventSourceMappings"][0]
    return [found["BatchSize"], found["ScalingConfig"]["MaximumConcurrency"]]


def invocation(clients: Clients) -> Any:
    topics = clients("sns").list_topics()["Topics"]
    arn = next(topic["TopicArn"] for topic in topics if topic["TopicArn"].endswith(":lab-invoked"))
    return clients("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"]


def permission(clients: Clients) -> Any:
    policy = json.loads(clients("lambda").get_policy(FunctionName="lab-fn")["Policy"])
    return next(
        s["Sid"] for s in policy["Statement"] if s["Principal"] == {"Service": "events.amazonaws.com"}
    )


def lifecycle(clients: Clients) -> Any:
    rules = clients("s3").get_bucket_lifecycle_configuration(Bucket="lab-bucket-1")["Rules"]
    return next(rule["Expiration"]["Days"] for rule in rules if rule["ID"] == "old")


def encryption(clients: Clients) -> Any:
    found = clients("s3").get_bucket_encryption(Bucket="lab-bucket-1")["ServerSideEncryptionConfiguration"]
    return found["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def bucket_policy(clients: Clients) -> Any:
    policy = clients("s3").get_bucket_policy(Bucket="lab-bucket-1")["Policy"]
    return json.loads(policy)["Statement"][0]["Sid"]


def alarm(clients: Clients, name: str = "lab-alarm") -> Any:
    return clients("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["Threshold"]


def composite(clients: Clients) -> Any:
    answer = clients("cloudwatch").describe_alarms(
        AlarmNames=["lab-composite"], AlarmTypes=["CompositeAlarm"]
    )
    return answer["CompositeAlarms"][0]["AlarmRule"]


def dashboard(clients: Clients) -> Any:
    body = clients("cloudwatch").get_dashboard(DashboardName="lab-dash")["DashboardBody"]
    return json.loads(body)["widgets"][0]["properties"]["markdown"]


def vpc(clients: Clients) -> Any:
    ec2 = clients("ec2")
    found = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.1.0.0/16"]}])["Vpcs"][0]
    flag = ec2.describe_vpc_attribute(VpcId=found["VpcId"], Attribute="enableDnsHostnames")
    names = [tag["Value"] for tag in found["Tags"] if tag["Key"] == "Name"]
    return [flag["EnableDnsHostnames"]["Value"], names]


def subnet(clients: Clients) -> Any:
    subnets = clients("ec2").describe_subnets()["Subnets"]
    return next(found["AvailabilityZone"] for found in subnets if found["CidrBlock"] == "10.1.1.0/24")


def group(clients: Clients) -> Any:
    groups = clients("ec2").describe_security_groups()["SecurityGroups"]
    return next(found for found in groups if found["GroupName"] == "lab-sg")


def ingress(clients: Clients) -> Any:
    return group(clients)["IpPermissions"][0]["IpRanges"][0].get("Description")


def egress(clients: Clients) -> Any:
    return [rule["IpProtocol"] for rule in group(clients)["IpPermissionsEgress"]]


def cluster(clients: Clients) -> Any:
    found = clients("ecs").describe_clusters(clusters=["lab-cluster"], include=["SETTINGS"])["clusters"][0]
    return None if found["status"] == "INACTIVE" else found["settings"][0]["value"]


def task(clients: Clients) -> Any:
    arns = clients("ecs").list_task_definitions(familyPrefix="lab-task", status="ACTIVE")[
        "taskDefinitionArns"
    ]
    found = clients("ecs").describe_task_definition(taskDefinition=arns[0])["taskDefinition"]
    return found["containerDefinitions"][0]["image"]


def service(clients: Clients) -> Any:
    found = clients("ecs").describe_services(cluster="lab-cluster", services=["lab-service"])["services"][0]
    return None if found["status"] == "INACTIVE" else found["desiredCount"]


def log_group(clients: Clients) -> Any:
    return clients("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/lab-fn")["logGroups"][0][
        "retentionInDays"
    ]


def role_policy(clients: Clients) -> Any:
    found = clients("iam").get_role_policy(RoleName="lab-role", PolicyName="send")["PolicyDocument"]
    return found["Statement"][0]["Action"]


def managed_policy(clients: Clients) -> Any:
    iam = clients("iam")
    version = iam.get_policy(PolicyArn=POLICY)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=POLICY, VersionId=version)["PolicyVersion"]["Document"]
    return found["Statement"][0]["Action"]


SEND, SEND_AND_LOOK = "sqs:SendMessage", ["sqs:SendMessage", "sqs:GetQueueUrl"]
ATTACHED = "lab-policy"

READBACK: dict[str, tuple[Look, Any, Any]] = {
    "cloudwatch_composite_alarm": (composite, "ALARM(lab-alarm)", "OK(lab-alarm)"),
    "cloudwatch_dashboard": (dashboard, "v1", "v2"),
    "cloudwatch_event_archive": (
        lambda c: c("events").describe_archive(ArchiveName="lab-archive")["RetentionDays"],
        7,
        8,
    ),
    "cloudwatch_event_bus": (
        lambda c: c("events").describe_event_bus(Name="lab-bus")["Description"],
        "d1",
        "d2",
    ),
    "cloudwatch_event_rule": (rule, ["ENABLED", ["t1"]], ["DISABLED", ["t2"]]),
    "cloudwatch_event_target": (target, 1, 2),
    "cloudwatch_log_group": (log_group, 7, 14),
    "cloudwatch_log_subscription_filter": (
        lambda c: c("logs").describe_subscription_filters(logGroupName="lab-filtered")["subscriptionFilters"][
            0
        ]["filterPattern"],
        '"first"',
        '"second"',
    ),
    "cloudwatch_metric_alarm": (alarm, 1, 2),
    "dynamodb_table": (table, ["ENABLED", ["by-a"], False], ["DISABLED", ["by-a", "by-b"], True]),
    "ecs_cluster": (cluster, "enabled", "disabled"),
    "ecs_service": (service, 1, 2),
    "ecs_task_definition": (task, "x:1", "x:2"),
    "iam_policy": (managed_policy, SEND, SEND_AND_LOOK),
    "iam_role": (lambda c: c("iam").get_role(RoleName="lab-role")["Role"]["Description"], "role 1", "role 2"),
    "iam_role_policy": (role_policy, SEND, SEND_AND_LOOK),
    "iam_role_policy_attachment": (
        lambda c: c("iam").list_attached_role_policies(RoleName="lab-role")["AttachedPolicies"][0][
            "PolicyName"
        ],
        ATTACHED,
        ATTACHED,
    ),
    "kms_alias": (
        lambda c: next(n for n in aliases(c) if n == "alias/lab"),
        "alias/lab",
        "alias/lab",
    ),
    "kms_key": (key, ["key", True], ["key two", False]),
    "lambda_event_source_mapping": (mapping, [10, 3], [5, 4]),
    "lambda_function": (function, [128, "1", None], [256, "2", 4]),
    "lambda_function_url": (
        lambda c: c("lambda").get_function_url_config(FunctionName="lab-fn")["AuthType"],
        "AWS_IAM",
        "NONE",
    ),
    "lambda_function_event_invoke_config": (
        lambda c: c("lambda").get_function_event_invoke_config(FunctionName="lab-fn")["MaximumRetryAttempts"],
        0,
        1,
    ),
    "lambda_invocation": (invocation, "create 1", "update 2"),
    "lambda_permission": (permission, "events", "events"),
    "s3_bucket": (
        lambda c: c("s3").head_bucket(Bucket="lab-bucket-1")["ResponseMetadata"]["HTTPStatusCode"],
        200,
        200,
    ),
    "s3_bucket_lifecycle_configuration": (lifecycle, 30, 60),
    "s3_bucket_logging": (
        lambda c: c("s3").get_bucket_logging(Bucket="lab-bucket-1")["LoggingEnabled"]["TargetPrefix"],
        "log1/",
        "log2/",
    ),
    "s3_bucket_object_lock_configuration": (
        lambda c: c("s3").get_object_lock_configuration(Bucket="lab-bucket-locked")[
            "ObjectLockConfiguration"
        ]["Rule"]["DefaultRetention"]["Days"],
        10,
        20,
    ),
    "s3_bucket_ownership_controls": (
        lambda c: c("s3").get_bucket_ownership_controls(Bucket="lab-bucket-1")["OwnershipControls"]["Rules"][
            0
        ]["ObjectOwnership"],
        "BucketOwnerEnforced",
        "BucketOwnerPreferred",
    ),
    "s3_bucket_policy": (bucket_policy, "Tls1", "Tls2"),
    "s3_bucket_public_access_block": (
        lambda c: c("s3").get_public_access_block(Bucket="lab-bucket-1")["PublicAccessBlockConfiguration"][
            "RestrictPublicBuckets"
        ],
        True,
        False,
    ),
    "s3_bucket_server_side_encryption_configuration": (encryption, "aws:kms", "AES256"),
    "s3_bucket_versioning": (
        lambda c: c("s3").get_bucket_versioning(Bucket="lab-bucket-1")["Status"],
        "Enabled",
        "Suspended",
    ),
    "s3_object": (
        lambda c: json.loads(c("s3").get_object(Bucket="lab-bucket-1", Key="config/map.json")["Body"].read())[
            "v"
        ],
        1,
        2,
    ),
    "secretsmanager_secret": (
        lambda c: c("secretsmanager").describe_secret(SecretId="lab-secret")["Description"],
        "v1",
        "v2",
    ),
    "secretsmanager_secret_rotation": (
        lambda c: c("secretsmanager").describe_secret(SecretId="lab-secret")["RotationRules"][
            "AutomaticallyAfterDays"
        ],
        90,
        30,
    ),
    "secretsmanager_secret_version": (
        lambda c: json.loads(c("secretsmanager").get_secret_value(SecretId="lab-secret")["SecretString"])[
            "v"
        ],
        1,
        2,
    ),
    "security_group": (lambda c: group(c)["Description"], "server", "server"),
    "sfn_state_machine": (
        lambda c: json.loads(
            c("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)["definition"]
        )["States"]["A"]["Result"],
        1,
        2,
    ),
    "sns_topic": (
        lambda c: c("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"].get("DisplayName", ""),
        "",
        "two",
    ),
    "sns_topic_policy": (
        lambda c: json.loads(c("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])[
            "Statement"
        ][0]["Sid"],
        "P",
        "P",
    ),
    "sns_topic_subscription": (subscription, "false", "true"),
    "sqs_queue": (lambda c: queue(c, QUEUE, "VisibilityTimeout", "DelaySeconds"), ["30", "2"], ["60", "2"]),
    "sqs_queue_policy": (
        lambda c: json.loads(queue(c, "lab-third", "Policy"))["Statement"][0]["Action"],
        "sqs:SendMessage",
        "sqs:*",
    ),
    "sqs_queue_redrive_allow_policy": (
        lambda c: json.loads(queue(c, "lab-dlq", "RedriveAllowPolicy"))["redrivePermission"],
        "byQueue",
        "byQueue",
    ),
    "sqs_queue_redrive_policy": (
        lambda c: int(json.loads(queue(c, "lab-third", "RedrivePolicy"))["maxReceiveCount"]),
        3,
        4,
    ),
    "ssm_parameter": (
        lambda c: c("ssm").get_parameter(Name="/lab/parameter")["Parameter"]["Value"],
        "v1",
        "v2",
    ),
    "subnet": (subnet, "us-east-1a", "us-east-1a"),
    "vpc": (vpc, [False, ["v1"]], [True, ["v2"]]),
    "vpc_security_group_egress_rule": (egress, ["-1"], ["-1"]),
    "vpc_security_group_ingress_rule": (ingress, "FPolicy 1", "FPolicy 2"),
}
