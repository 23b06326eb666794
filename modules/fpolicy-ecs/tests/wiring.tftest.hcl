# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  operations = { notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:notifications" }

  image = { uri = "registry.example.com/fsxn-fpolicy-server:0.1.0" }

  ingestion_queue = {
    arn = "arn:aws:sqs:us-east-1:111122223333:ingestion"
    url = "https://sqs.us-east-1.amazonaws.com/111122223333/ingestion"
  }

  metric_catalogue = {
    metrics = {
      FPolicyCertificateFailures_count = { statistic = "Sum" }
      FPolicyConnectionsOpen_count     = { statistic = "Minimum" }
      FPolicyEmsAlerts_count           = { statistic = "Sum" }
      FPolicyEventsSpooled_count       = { statistic = "Sum" }
      FPolicyEventsUnacked_count       = { statistic = "Maximum" }
      FPolicyEventsUndelivered_count   = { statistic = "Sum" }
      FPolicyFramesMalformed_count     = { statistic = "Sum" }
      FPolicyNamesUnresolved_count     = { statistic = "Sum" }
      FPolicyReadsPaused_count         = { statistic = "Sum" }
      FPolicyReconnectTime_sec         = { statistic = "Maximum" }
      FPolicySpoolFailures_count       = { statistic = "Sum" }
      FPolicyStoreFull_count           = { statistic = "Sum" }
      FPolicyStoreUsed_pct             = { statistic = "Maximum" }
      FPolicyVolumeMapFailures_count   = { statistic = "Sum" }
      ReconcileFailures_count          = { statistic = "Sum" }
      ReconcileUnguarded               = { statistic = "Sum" }
    }
  }

  network = {
    source_security_group_ids = { file_system = "sg-0123456789abcdef0" }
    subnet_ids                = ["subnet-0123456789abcdef0"]
    vpc_id                    = "vpc-0123456789abcdef0"
  }

  quarantine_queue = {
    arn = "arn:aws:sqs:us-east-1:111122223333:quarantine"
    url = "https://sqs.us-east-1.amazonaws.com/111122223333/quarantine"
  }

  diagnose = { package_path = "./versions.tf" } # only its hash is read

  reconciler = {
    package_path      = "./versions.tf" # only its hash is read
    secret_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
    secret_policy     = "{}"
    security_group_id = "sg-0123456789abcdef1"
    vpc               = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
  }

  svms = { main = { name = "svm1" } }
}

run "only_the_named_security_groups_may_connect" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.fpolicy :
      rule.referenced_security_group_id == "sg-0123456789abcdef0" && rule.from_port == 9898 && rule.to_port == 9898 && rule.cidr_ipv4 == null
    ])
    error_message = "The FPolicy port is open to the file system's security group and to no address range."
  }
}

run "the_alarm_on_the_backlog_follows_the_high_mark" {
  command = plan

  variables {
    server_settings = { max_unacked_events = 5000, high_water_percent = 60 }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.server["backlog"].threshold == 3000
    error_message = "The alarm fires where the server asks for back pressure."
  }
}

run "silence_of_the_server_is_an_alarm" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.server["connections"].treat_missing_data == "breaching"
    error_message = "A server that does not run sends no metric."
  }
}

run "secrets_of_the_certificate_reach_the_server_by_name" {
  command = plan

  variables {
    svms = {}
    tls = {
      certificate_secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-cert-AbCdEf"
      key_secret_arn         = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-key-AbCdEf"
    }
  }

  assert {
    condition = { for secret in jsondecode(aws_ecs_task_definition.server.container_definitions)[0].secrets : secret.name => secret.valueFrom } == {
      FPOLICY_TLS_CERT = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-cert-AbCdEf"
      FPOLICY_TLS_KEY  = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-key-AbCdEf"
    }
    error_message = "What is not given is not set, and a key never stands in the definition itself."
  }

  assert {
    condition     = length(aws_iam_role_policy.certificate) == 1
    error_message = "ECS reads the secrets with the execution role."
  }
}

run "a_server_that_asks_for_certificates_makes_the_engine_show_one" {
  command = plan

  variables {
    reconciler = {
      package_path      = "./versions.tf"
      secret_arn        = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fsxn/ontap-AbCdEf"
      secret_policy     = "{}"
      security_group_id = "sg-0123456789abcdef1"
      vpc               = { security_group_ids = ["sg-0123456789abcdef1"], subnet_ids = ["subnet-0123456789abcdef0"] }
      ca_certificates   = ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    }
    svms = { main = { name = "svm1", client_certificate = { ca = "clients", name = "svm1", serial_number = "ABCD" } } }
    tls = {
      certificate_secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-cert-AbCdEf"
      client_ca_secret_arn   = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-ca-AbCdEf"
      key_secret_arn         = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fpolicy-key-AbCdEf"
    }
  }

  assert {
    condition = { for key, value in jsondecode(aws_lambda_invocation.svm["main"].input).wanted.engine : key => value if contains(["client_certificate", "ssl_option"], key) } == {
      client_certificate = { ca = "clients", name = "svm1", serial_number = "ABCD" }
      ssl_option         = "mutual_auth"
    }
    error_message = "The engine names the SVM's own certificate, and ONTAP shows it."
  }
}

run "a_store_is_sized_from_rate_outage_bytes_and_safety" {
  command = plan

  variables {
    svms = {
      main  = { name = "svm1", store = { events_per_second = 500, outage_hours = 8, bytes_per_event = 640, safety_factor = 2 } }
      small = { name = "svm2", store = { events_per_second = 1, outage_hours = 1 } }
      none  = { name = "svm3", store = { enabled = false } }
    }
  }

  assert {
    condition     = jsondecode(aws_lambda_invocation.svm["main"].input).wanted.store.size_bytes == 18 * 1073741824
    error_message = "500/s x 8 h x 640 bytes x 2 is 17.2 GiB, rounded up."
  }

  assert {
    condition     = output.store_outage_hours["main"] == 16.7 && output.store_outage_hours["small"] == 466
    error_message = "The output says how long an outage the store holds."
  }

  assert {
    condition     = jsondecode(aws_lambda_invocation.svm["none"].input).wanted.store == null && !contains(keys(output.store_outage_hours), "none")
    error_message = "An SVM may do without a store."
  }
}

run "the_stores_own_volume_is_out_of_scope" {
  command = plan

  assert {
    condition     = jsondecode(aws_lambda_invocation.svm["main"].input).wanted.scope.exclude_volumes == ["fsxn_s3ap_store"]
    error_message = "What ONTAP writes into the store is no client's operation."
  }
}

run "events_follow_the_protocols" {
  command = plan

  variables {
    svms = { main = { name = "svm1", protocols = ["cifs"] } }
  }

  assert {
    condition     = keys(jsondecode(aws_lambda_invocation.svm["main"].input).wanted.events) == ["cifs"]
    error_message = "Only the protocols that are named are monitored."
  }
}

run "the_reconciler_may_ask_the_servers_health" {
  command = plan

  assert {
    condition     = aws_vpc_security_group_ingress_rule.health.referenced_security_group_id == "sg-0123456789abcdef1" && aws_vpc_security_group_ingress_rule.health.from_port == 9899
    error_message = "The function's security group reaches the health port and no other."
  }
}

run "without_a_spool_nothing_is_writable" {
  command = plan

  assert {
    condition     = length(aws_ecs_task_definition.server.volume) == 0 && length(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].mountPoints) == 0
    error_message = "Without a spool the container has no place to write to."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.server), "spooling")
    error_message = "Without a spool nobody watches one."
  }
}

run "a_spool_on_the_own_disk_does_not_last" {
  command = plan

  variables {
    spool = { ephemeral_storage_gb = 50, max_gb = 40 }
  }

  assert {
    condition     = aws_ecs_task_definition.server.ephemeral_storage[0].size_in_gib == 50
    error_message = "The task's disk has the size that was asked for."
  }

  assert {
    condition = alltrue([
      for name, value in { FPOLICY_SPOOL_DIR = "/var/spool/fpolicy", FPOLICY_SPOOL_LASTING = "false", FPOLICY_SPOOL_MAX_BYTES = "42949672960" } :
      contains(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment, { name = name, value = value })
    ])
    error_message = "The server knows where the spool is, how large it may be, and that it dies with the task."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.server.container_definitions)[0].readonlyRootFilesystem
    error_message = "Only the mount is writable."
  }
}

run "a_spool_on_efs_lasts_and_is_encrypted_on_its_way" {
  command = plan

  variables {
    spool = {
      efs = {
        access_point_id   = "fsap-0123456789abcdef0"
        file_system_id    = "fs-0123456789abcdef0"
        security_group_id = "sg-0fedcba9876543210"
      }
    }
  }

  assert {
    condition = alltrue([
      for volume in aws_ecs_task_definition.server.volume :
      volume.efs_volume_configuration[0].transit_encryption == "ENABLED" && volume.efs_volume_configuration[0].authorization_config[0].iam == "ENABLED"
    ]) && length(aws_ecs_task_definition.server.volume) == 1
    error_message = "The spool is mounted through TLS and its access point, by the task's role."
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment, { name = "FPOLICY_SPOOL_LASTING", value = "true" })
    error_message = "The server knows that the spool outlives it."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.spool["this"].from_port == 2049 && aws_vpc_security_group_egress_rule.spool["this"].referenced_security_group_id == "sg-0fedcba9876543210"
    error_message = "NFS goes out to the mount targets' security group only."
  }

  assert {
    condition     = length(aws_ecs_task_definition.server.ephemeral_storage) == 0
    error_message = "The task's own disk stays as it is."
  }
}

run "instances_take_tasks_with_addresses_of_their_own" {
  command = plan

  variables {
    launch = { type = "EC2" }
  }

  assert {
    condition     = aws_ecs_service.server.launch_type == "EC2" && aws_ecs_task_definition.server.network_mode == "awsvpc" && aws_ecs_service.server.deployment_maximum_percent == 200
    error_message = "On instances tasks are as on Fargate: own addresses, and the old one serves until the new one is connected."
  }

  assert {
    condition     = aws_ecs_service.server.ordered_placement_strategy[*].field == tolist(["attribute:ecs.availability-zone", "instanceId"])
    error_message = "Tasks are spread over zones, then over instances."
  }

  assert {
    condition     = length(setintersection(output.vpc_services.server, ["ecs", "ecs-agent", "ecs-telemetry"])) == 3
    error_message = "The instances' agent calls ECS from the VPC."
  }
}

run "fixed_addresses_and_a_lasting_folder_are_the_instances" {
  command = plan

  variables {
    desired_count = 3
    launch        = { fixed_addresses = true, type = "EC2" }
    spool         = { host_path = "/data/fpolicy" }
  }

  assert {
    condition     = aws_ecs_task_definition.server.network_mode == "host" && length(aws_ecs_service.server.network_configuration) == 0
    error_message = "A task uses its instance's address."
  }

  assert {
    condition     = one(aws_ecs_service.server.placement_constraints).type == "distinctInstance" && aws_ecs_service.server.deployment_maximum_percent == 100 && aws_ecs_service.server.deployment_minimum_healthy_percent == 66
    error_message = "No instance gets two tasks, and a deployment stops one of three at a time."
  }

  assert {
    condition     = one(aws_ecs_task_definition.server.volume).host_path == "/data/fpolicy" && length(aws_ecs_task_definition.server.ephemeral_storage) == 0
    error_message = "The spool is the folder of the instance."
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.server.container_definitions)[0].environment, { name = "FPOLICY_SPOOL_LASTING", value = "true" })
    error_message = "The server knows that its spool outlives it."
  }
}
