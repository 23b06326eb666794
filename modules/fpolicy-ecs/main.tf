locals {
  _full_name      = "${var.context.name_prefix}-fpolicy"
  _volume_map_key = "volume-map.json"
  # The directory that the image makes for the server's user (fpolicy-server/Dockerfile).
  _spool_path = "/var/spool/fpolicy"
  _spool      = var.spool == null ? {} : { spool = var.spool }

  # What the server accepts (fpolicy-server/README.md); it checks the same again when it starts.
  _setting_ranges = {
    answer_deadline_ms         = { minimum = 100, maximum = 100000 }
    batch_linger_ms            = { minimum = 0, maximum = 5000 }
    drain_idle_ms              = { minimum = 50, maximum = 60000 }
    events_per_message         = { minimum = 1, maximum = 1000 }
    handshake_timeout_seconds  = { minimum = 1, maximum = 60 }
    health_port                = { minimum = 1024, maximum = 65535 }
    high_water_percent         = { minimum = 2, maximum = 99 }
    low_water_percent          = { minimum = 1, maximum = 98 }
    max_connections            = { minimum = 1, maximum = 4096 }
    max_frame_bytes            = { minimum = 32768, maximum = 10485760 }
    max_unacked_events         = { minimum = 100, maximum = 1000000 }
    metrics_interval_seconds   = { minimum = 1, maximum = 60 }
    port                       = { minimum = 1024, maximum = 65535 }
    read_timeout_seconds       = { minimum = 15, maximum = 3600 }
    recv_buffer_bytes          = { minimum = 4096, maximum = 16777216 }
    shutdown_deadline_seconds  = { minimum = 1, maximum = 115 }
    volume_map_refresh_seconds = { minimum = 1, maximum = 86400 }
  }

  # One name per setting: the server reads exactly these (fpolicy-server/README.md). Unset ones keep its defaults.
  _environment = {
    FPOLICY_ALLOWED_PEERS              = length(var.server_settings.allowed_peers) == 0 ? null : join(",", sort(var.server_settings.allowed_peers))
    FPOLICY_ALLOWED_POLICIES           = length(var.server_settings.allowed_policies) == 0 ? null : join(",", sort(var.server_settings.allowed_policies))
    FPOLICY_ANSWER_DEADLINE_MS         = var.server_settings.answer_deadline_ms
    FPOLICY_BATCH_LINGER_MS            = var.server_settings.batch_linger_ms
    FPOLICY_CAPTURE_DIR                = var.server_settings.capture ? "${local._spool_path}/captures" : null
    FPOLICY_DENY_RULES                 = length(var.server_settings.deny_rules) == 0 ? null : jsonencode(var.server_settings.deny_rules)
    FPOLICY_DRAIN_IDLE_MS              = var.server_settings.drain_idle_ms
    FPOLICY_EVENTS_PER_MESSAGE         = var.server_settings.events_per_message
    FPOLICY_HANDSHAKE_TIMEOUT_SECONDS  = var.server_settings.handshake_timeout_seconds
    FPOLICY_HEALTH_LISTEN              = "0.0.0.0:${var.server_settings.health_port}"
    FPOLICY_HIGH_WATER_PERCENT         = var.server_settings.high_water_percent
    FPOLICY_LISTEN                     = "0.0.0.0:${var.server_settings.port}"
    FPOLICY_LOW_WATER_PERCENT          = var.server_settings.low_water_percent
    FPOLICY_MAX_CONNECTIONS            = var.server_settings.max_connections
    FPOLICY_MAX_FRAME_BYTES            = var.server_settings.max_frame_bytes
    FPOLICY_MAX_UNACKED_EVENTS         = var.server_settings.max_unacked_events
    FPOLICY_METRICS_INTERVAL_SECONDS   = var.server_settings.metrics_interval_seconds
    FPOLICY_MODE                       = var.server_settings.mode
    FPOLICY_PATH_ROOT                  = var.server_settings.path_root
    FPOLICY_PROTOBUF_FIELD_MAP         = var.server_settings.protobuf_field_map
    FPOLICY_QUARANTINE_URL             = var.quarantine_queue.url
    FPOLICY_READ_TIMEOUT_SECONDS       = var.server_settings.read_timeout_seconds
    FPOLICY_RECV_BUFFER_BYTES          = var.server_settings.recv_buffer_bytes
    FPOLICY_SHUTDOWN_DEADLINE_SECONDS  = var.server_settings.shutdown_deadline_seconds
    FPOLICY_SPOOL_DIR                  = var.spool == null ? null : local._spool_path
    FPOLICY_SPOOL_LASTING              = var.spool == null ? null : var.spool.efs != null || var.spool.host_path != null
    FPOLICY_SPOOL_MAX_BYTES            = var.spool == null ? null : var.spool.max_gb * 1073741824
    FPOLICY_VOLUME_MAP                 = "s3://${module.bucket.bucket_name}/${local._volume_map_key}"
    FPOLICY_VOLUME_MAP_REFRESH_SECONDS = var.server_settings.volume_map_refresh_seconds
    LOG_LEVEL                          = var.operations.log_level
    METRIC_NAMESPACE                   = var.operations.metric_namespace
    PROTOBUF_FRAMING_MODE              = var.server_settings.protobuf_framing_mode
    SQS_QUEUE_URL                      = var.ingestion_queue.url
  }

  # What the task calls, and Fargate for it through the task's own interface: image (its layers are in S3), log, secrets.
  _vpc_services = toset(concat(
    ["logs", "s3", "sqs"],
    var.image.ecr_repository_arn == null ? [] : ["ecr.api", "ecr.dkr"],
    var.launch.type == "EC2" ? ["ecs", "ecs-agent", "ecs-telemetry"] : [], # the agent of the instances
    var.tls == null ? [] : ["secretsmanager"],
  ))
  _unreached = var.endpoints == null ? toset([]) : setsubtract(local._vpc_services, coalesce(var.endpoints, []))

  # The same for what ECS reads out of secrets when a task starts.
  _secrets = {
    FPOLICY_TLS_CERT      = try(var.tls.certificate_secret_arn, null)
    FPOLICY_TLS_CLIENT_CA = try(var.tls.client_ca_secret_arn, null)
    FPOLICY_TLS_KEY       = try(var.tls.key_secret_arn, null)
  }
}

resource "aws_cloudwatch_log_group" "server" {
  name              = "/ecs/${local._full_name}"
  retention_in_days = var.operations.log_retention_days
  kms_key_id        = var.operations.kms_key_arn
  tags              = var.context.tags
}

resource "aws_ecs_cluster" "this" {
  name = local._full_name
  tags = var.context.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "server" {
  family                   = local._full_name
  cpu                      = var.task.cpu_units
  memory                   = var.task.memory_mb
  network_mode             = var.launch.fixed_addresses ? "host" : "awsvpc"
  requires_compatibilities = [var.launch.type]
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  tags                     = var.context.tags

  container_definitions = jsonencode([{
    name                   = "fpolicy-server"
    image                  = var.image.uri
    essential              = true
    command                = ["fpolicy-server", "run"]
    environment            = [for name, value in local._environment : { name = name, value = tostring(value) } if value != null]
    secrets                = [for name, arn in local._secrets : { name = name, valueFrom = arn } if arn != null]
    readonlyRootFilesystem = true # but for the spool, when there is one
    mountPoints            = [for name, _ in local._spool : { containerPath = local._spool_path, readOnly = false, sourceVolume = name }]
    stopTimeout            = var.task.stop_timeout_seconds

    healthCheck = {
      command  = ["CMD", "fpolicy-server", "healthcheck"]
      interval = 10
      timeout  = 5
      retries  = 3
      # The server calls itself unhealthy until ONTAP has connected or 120 s have passed, so that a deployment keeps
      # the old task meanwhile; failures within the start period do not count.
      startPeriod = 150
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.server.name
        awslogs-region        = var.context.region
        awslogs-stream-prefix = "fpolicy"
        # A log service that does not answer may cost log lines and metrics, never the reading of events.
        max-buffer-size = "25m"
        mode            = "non-blocking"
      }
    }

    portMappings = [
      { containerPort = var.server_settings.port, protocol = "tcp" },
      { containerPort = var.server_settings.health_port, protocol = "tcp" },
    ]
  }])

  dynamic "ephemeral_storage" {
    for_each = { for name, spool in local._spool : name => spool if spool.efs == null && spool.host_path == null }

    content {
      size_in_gib = ephemeral_storage.value.ephemeral_storage_gb
    }
  }

  dynamic "volume" {
    for_each = local._spool

    content {
      name      = volume.key
      host_path = volume.value.host_path

      dynamic "efs_volume_configuration" {
        for_each = volume.value.efs == null ? {} : { this = volume.value.efs }

        content {
          file_system_id     = efs_volume_configuration.value.file_system_id
          transit_encryption = "ENABLED"

          authorization_config {
            access_point_id = efs_volume_configuration.value.access_point_id
            iam             = "ENABLED"
          }
        }
      }
    }
  }

  runtime_platform {
    cpu_architecture        = var.task.architecture
    operating_system_family = "LINUX"
  }

  lifecycle {
    precondition {
      condition     = length(local._unreached) == 0
      error_message = "The server runs in a VPC without an endpoint of ${join(", ", local._unreached)}, which it or Fargate calls: add it (module vpc-endpoints), or set endpoints to null when the VPC has another way out."
    }

    precondition {
      condition     = var.task.stop_timeout_seconds > var.server_settings.shutdown_deadline_seconds
      error_message = "task.stop_timeout_seconds must be above server_settings.shutdown_deadline_seconds, or ECS kills the server before it has flushed."
    }

    # 3 KB for each event held (fpolicy-server/README.md) and 256 MB for the process itself.
    precondition {
      condition     = var.task.memory_mb >= 256 + var.server_settings.max_unacked_events * 3 / 1024
      error_message = "task.memory_mb is too small for server_settings.max_unacked_events: 256 MB and 3 KB for each event, or ECS kills the server with the events in its memory."
    }
  }
}

resource "aws_ecs_service" "server" {
  name                          = local._full_name
  cluster                       = aws_ecs_cluster.this.arn
  task_definition               = aws_ecs_task_definition.server.arn
  desired_count                 = var.desired_count
  launch_type                   = var.launch.type
  propagate_tags                = "SERVICE"
  availability_zone_rebalancing = "DISABLED" # rebalancing moves healthy tasks, and a task's address is what ONTAP knows
  tags                          = var.context.tags

  # Old and new run at once: the old task serves until the new one is connected. Two cannot share an instance's address:
  # then one stops, and the others serve meanwhile.
  deployment_maximum_percent         = var.launch.fixed_addresses ? 100 : 200
  deployment_minimum_healthy_percent = var.launch.fixed_addresses ? floor(100 * (var.desired_count - 1) / var.desired_count) : 100

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # Fargate spreads tasks over zones by itself.
  dynamic "ordered_placement_strategy" {
    for_each = var.launch.type == "FARGATE" ? [] : var.launch.fixed_addresses ? ["attribute:ecs.availability-zone"] : ["attribute:ecs.availability-zone", "instanceId"]

    content {
      type  = "spread"
      field = ordered_placement_strategy.value
    }
  }

  dynamic "placement_constraints" {
    for_each = var.launch.fixed_addresses ? { this = true } : {}

    content {
      type = "distinctInstance"
    }
  }

  dynamic "network_configuration" {
    for_each = var.launch.fixed_addresses ? {} : { this = true }

    content {
      assign_public_ip = false
      security_groups  = [aws_security_group.server.id]
      subnets          = var.network.subnet_ids
    }
  }

  # A task that starts before its permissions would retry its first events until they arrive.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
