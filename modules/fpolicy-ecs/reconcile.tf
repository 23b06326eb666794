# Keeps ONTAP pointed at the tasks, and makes all of ONTAP's FPolicy side (docs/topics/keeping-ontap-pointed.md).

locals {
  _policy_name    = replace(var.context.name_prefix, "-", "_") # ONTAP takes letters, digits, "_" and "."
  _reconcile_name = "${var.context.name_prefix}-reconcile"

  # Little noise (docs/topics/once-in-effect.md): a file is told of when it was made, changed, renamed, deleted. Only
  # CIFS says that a file was closed after a change; on NFS the first write and changes of size stand for it.
  _default_events = {
    cifs = {
      protocol   = "cifs"
      operations = ["close", "create", "delete", "rename"]
      filters    = ["close_with_modification"]
    }
    nfsv3 = {
      protocol   = "nfsv3"
      operations = ["create", "delete", "rename", "write"]
      filters    = ["first_write", "write_with_size_change"]
    }
    nfsv4 = {
      protocol   = "nfsv4"
      operations = ["create", "delete", "rename", "write"]
      filters    = ["first_write", "write_with_size_change"]
    }
  }

  _gib = 1073741824
  # At least 1 GiB: below it ONTAP's own reserves are what one sizes.
  _store_bytes = {
    for key, svm in var.svms : key => local._gib * max(1, ceil(
      svm.store.events_per_second * svm.store.outage_hours * 3600 * svm.store.bytes_per_event * svm.store.safety_factor / local._gib
    )) if svm.store.enabled
  }

  # What the function is given, for each SVM (fsxn_runtime/fpolicy/wanted.py).
  _wanted = {
    for key, svm in var.svms : key => {
      svm        = svm.name
      enabled    = svm.enabled
      guard      = svm.guard
      keep_store = svm.keep_store
      policy     = coalesce(svm.policy_name, local._policy_name)
      priority   = svm.priority
      engine = {
        client_certificate = svm.client_certificate
        keep_alive_seconds = svm.keep_alive_seconds
        port               = var.server_settings.port
        ssl_option         = var.tls == null ? "no_auth" : var.tls.client_ca_secret_arn == null ? "server_auth" : "mutual_auth"
        type               = var.server_settings.mode
      }
      certificates = { type = var.reconciler.ca_certificate_type, pem = var.reconciler.ca_certificates }
      events = svm.events != null ? {
        for name, event in svm.events : name => {
          protocol   = event.protocol
          operations = sort(event.operations)
          filters    = sort(event.filters)
        }
      } : { for name, event in local._default_events : name => event if contains(svm.protocols, name) }
      scope = {
        exclude_extension                   = sort(svm.scope.exclude_extensions)
        exclude_volumes                     = sort(setunion(svm.scope.exclude_volumes, svm.store.enabled ? [svm.store.volume] : []))
        include_extension                   = sort(svm.scope.include_extensions)
        include_volumes                     = sort(svm.scope.include_volumes)
        object_monitoring_with_no_extension = true
      }
      store = svm.store.enabled ? { volume = svm.store.volume, size_bytes = local._store_bytes[key] } : null
    }
  }
}

# The lock of the runs, what is wanted of each SVM, and refused logins: one item each.
module "table" {
  source = "../dynamodb-table"

  context     = var.context
  kms_key_arn = var.operations.kms_key_arn
  name        = "reconcile"
}

module "reconcile" {
  source = "../lambda-function"

  async                = {}
  context              = var.context
  name                 = "reconcile"
  description          = "Keeps ONTAP's FPolicy engine pointed at the server tasks that run."
  endpoints            = var.endpoints
  error_threshold      = 3 # a run that failed is followed by the next within a minute; its own alarms tell of more
  handler              = "fsxn_runtime.fpolicy.handler.handler"
  operations           = var.operations
  package_path         = var.reconciler.package_path
  reserved_concurrency = 1
  runtime              = { timeout_seconds = 120 }
  services             = ["dynamodb", "ecs", "s3", "secretsmanager"]
  vpc                  = var.reconciler.vpc

  policies = {
    reconcile = data.aws_iam_policy_document.reconcile.json
    secret    = var.reconciler.secret_policy
  }

  environment = {
    CONFIG_BUCKET    = module.bucket.bucket_name
    ECS_CLUSTER      = aws_ecs_cluster.this.name
    ECS_SERVICE      = local._full_name
    HEALTH_PORT      = var.server_settings.health_port
    LOG_LEVEL        = var.operations.log_level
    METRIC_NAMESPACE = var.operations.metric_namespace
    ONTAP_SECRET_ID  = var.reconciler.secret_arn
    RECONCILE_TABLE  = module.table.table_name
    VOLUME_MAP_KEY   = local._volume_map_key
  }
}

# At apply and at destroy: makes an SVM's FPolicy side, changes it, takes it away. It fails when ONTAP refuses.
resource "aws_lambda_invocation" "svm" {
  for_each = local._wanted

  function_name   = module.reconcile.function_name
  input           = jsonencode({ svm = each.key, wanted = each.value })
  lifecycle_scope = "CRUD"

  # ONTAP and the servers can be reached from the function, and the other way round, from the first call to the last.
  depends_on = [
    aws_vpc_security_group_egress_rule.health,
    aws_vpc_security_group_ingress_rule.fpolicy,
    aws_vpc_security_group_ingress_rule.health,
  ]

  lifecycle {
    precondition {
      condition = length(var.server_settings.allowed_policies) == 0 || alltrue([
        for suffix in each.value.guard ? ["", "_guard"] : [""] :
        contains(var.server_settings.allowed_policies, "${each.value.policy}${suffix}")
      ])
      error_message = "server_settings.allowed_policies must hold ${each.value.policy}, and ${each.value.policy}_guard where the SVM has a guard, or the server refuses their connections."
    }

    precondition {
      condition     = var.server_settings.mode == "asynchronous" || each.value.store == null
      error_message = "svms: with server_settings.mode synchronous, store.enabled must be false: a synchronous policy has no Persistent Store, and ONTAP refuses it."
    }

    precondition {
      condition     = (var.tls != null) == (length(var.reconciler.ca_certificates) > 0)
      error_message = "reconciler.ca_certificates and tls go together: the SVM must trust the CA of the server's certificate before its engine uses TLS."
    }

    precondition {
      condition     = (each.value.engine.ssl_option == "mutual_auth") == (each.value.engine.client_certificate != null)
      error_message = "svms: client_certificate and tls.client_ca_secret_arn go together: a server that asks for a certificate lets nobody in who shows none."
    }

    precondition {
      condition     = each.value.engine.keep_alive_seconds < var.server_settings.read_timeout_seconds
      error_message = "svms: keep_alive_seconds must be below server_settings.read_timeout_seconds, or the server closes connections that are only quiet."
    }
  }
}

# A task's state changes: only a trigger, the function reads what runs.
resource "aws_cloudwatch_event_rule" "task_state" {
  name        = "${local._reconcile_name}-task-state"
  description = "Server tasks of ${local._full_name} that start or end."
  tags        = var.context.tags

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [aws_ecs_cluster.this.arn]
      group      = ["service:${local._full_name}"]
      lastStatus = ["RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"]
    }
  })
}

resource "aws_cloudwatch_event_rule" "every_minute" {
  name                = "${local._reconcile_name}-every-minute"
  description         = "Compares ONTAP's FPolicy side with what is wanted."
  schedule_expression = "rate(1 minute)"
  tags                = var.context.tags
}

locals {
  _reconcile_rules = {
    EveryMinute = aws_cloudwatch_event_rule.every_minute
    TaskState   = aws_cloudwatch_event_rule.task_state
  }
}

resource "aws_cloudwatch_event_target" "reconcile" {
  for_each = local._reconcile_rules

  rule      = each.value.name
  target_id = "reconcile"
  arn       = module.reconcile.function_arn
}

resource "aws_lambda_permission" "reconcile" {
  for_each = local._reconcile_rules

  statement_id   = each.key
  action         = "lambda:InvokeFunction"
  function_name  = module.reconcile.function_name
  principal      = "events.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = each.value.arn
}

# A node said that a volume was mounted, unmounted or moved: the volume map is due now, not within a minute. The line
# is of level INFO; with operations.log_level above that, the schedule alone does it.
resource "aws_cloudwatch_log_subscription_filter" "volumes" {
  name            = "${local._reconcile_name}-volumes"
  log_group_name  = aws_cloudwatch_log_group.server.name
  filter_pattern  = "\"volume.changed\""
  destination_arn = module.reconcile.function_arn

  depends_on = [aws_lambda_permission.volumes]
}

resource "aws_lambda_permission" "volumes" {
  statement_id   = "Volumes"
  action         = "lambda:InvokeFunction"
  function_name  = module.reconcile.function_name
  principal      = "logs.amazonaws.com"
  source_account = var.context.account_id
  source_arn     = "${aws_cloudwatch_log_group.server.arn}:*"
}

data "aws_iam_policy_document" "reconcile" {
  statement {
    sid = "FindTasks"
    # ecs:ListTasks with a service name has no resource level; the condition is AWS's way to narrow it. IfExists,
    # because the laboratory's IAM does not know the key; AWS gives it with every ListTasks.
    actions   = ["ecs:ListTasks"]
    resources = ["*"]

    condition {
      test     = "ArnEqualsIfExists"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.this.arn]
    }
  }

  statement {
    sid     = "LookAtTasks"
    actions = ["ecs:DescribeTasks"]
    resources = [
      "arn:${var.context.partition}:ecs:${var.context.region}:${var.context.account_id}:task/${aws_ecs_cluster.this.name}/*",
      aws_ecs_cluster.this.arn, # what the laboratory's IAM asks for; on AWS it allows nothing
    ]
  }

  dynamic "statement" {
    for_each = var.launch.fixed_addresses ? { this = true } : {}

    content {
      sid       = "FindHosts"
      actions   = ["ecs:DescribeContainerInstances"]
      resources = ["arn:${var.context.partition}:ecs:${var.context.region}:${var.context.account_id}:container-instance/${aws_ecs_cluster.this.name}/*"]
    }
  }

  statement {
    sid       = "KeepVolumeMap"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.bucket.bucket_arn}/${local._volume_map_key}"]
  }

  statement {
    sid       = "KeepWantedAndLock"
    actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem"]
    resources = [module.table.table_arn]
  }

  dynamic "statement" {
    for_each = var.operations.kms_key_arn == null ? {} : { this = true }

    content {
      sid       = "UseKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.operations.kms_key_arn]
    }
  }
}

# The probe of /readyz: in at the servers, out at the function.
resource "aws_vpc_security_group_ingress_rule" "health" {
  security_group_id            = aws_security_group.server.id
  description                  = "Health of the server, asked by the reconciler"
  referenced_security_group_id = var.reconciler.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.server_settings.health_port
  to_port                      = var.server_settings.health_port
  tags                         = var.context.tags
}

resource "aws_vpc_security_group_egress_rule" "health" {
  security_group_id            = var.reconciler.security_group_id
  description                  = "Health of the FPolicy servers"
  referenced_security_group_id = aws_security_group.server.id
  ip_protocol                  = "tcp"
  from_port                    = var.server_settings.health_port
  to_port                      = var.server_settings.health_port
  tags                         = var.context.tags
}
