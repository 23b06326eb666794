locals {
  _canary_name     = coalesce(try(var.ontap.canary_name, null), "${var.context.name_prefix}-ontap")
  _canary_services = toset(["logs", "monitoring", "s3", "secretsmanager"]) # Synthetics' own calls among them
  _ontap           = var.ontap == null ? {} : { this = var.ontap }
  _ontap_steps     = try(2 + 2 * length(var.ontap.policies), 0)
  _policies        = try(var.ontap.policies, {})
  _results_path    = "results"
  _state_key       = "state/refused-login.json"
  _unreached       = var.endpoints == null ? toset([]) : setsubtract(local._canary_services, coalesce(var.endpoints, []))
}

# Runs inside the VPC, where ONTAP's management endpoint is. Python canaries come with a browser; this one uses none.
resource "aws_synthetics_canary" "ontap" {
  for_each = local._ontap

  name                     = local._canary_name
  artifact_s3_location     = "s3://${module.bucket[0].bucket_name}/${local._results_path}/"
  delete_lambda            = true
  execution_role_arn       = aws_iam_role.canary["this"].arn
  failure_retention_period = var.artifacts.retention_days
  handler                  = "canary.handler"
  runtime_version          = each.value.runtime_version
  s3_bucket                = module.bucket[0].bucket_name
  s3_key                   = aws_s3_object.package["this"].key
  start_canary             = true
  success_retention_period = var.artifacts.retention_days
  tags                     = var.context.tags

  artifact_config {
    s3_encryption {
      encryption_mode = var.operations.kms_key_arn == null ? "SSE_S3" : "SSE_KMS"
      kms_key_arn     = var.operations.kms_key_arn
    }
  }

  run_config {
    active_tracing     = var.operations.tracing_enabled
    memory_in_mb       = each.value.memory_mb
    timeout_in_seconds = each.value.timeout_seconds

    environment_variables = {
      CANARY_CERTIFICATE_DAYS = each.value.certificate_days
      CANARY_CHECK_SECONDS    = each.value.check_seconds
      CANARY_NODE_COUNT       = each.value.node_count
      CANARY_POLICIES         = join(",", [for key in sort(keys(each.value.policies)) : "${each.value.policies[key].svm}/${each.value.policies[key].policy}"])
      CANARY_STATE_BUCKET     = module.bucket[0].bucket_name
      CANARY_STATE_KEY        = local._state_key
      CANARY_STORE_PERCENT    = each.value.store_percent
      CANARY_TIMEOUT_SECONDS  = each.value.timeout_seconds
      FILE_SYSTEM_ID          = var.file_system_id
      LOG_LEVEL               = var.operations.log_level
      METRIC_NAMESPACE        = var.operations.metric_namespace
      ONTAP_SECRET_ID         = each.value.secret_arn
    }
  }

  schedule {
    expression = local._schedule
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? {} : { this = var.vpc }

    content {
      security_group_ids = vpc_config.value.security_group_ids
      subnet_ids         = vpc_config.value.subnet_ids
    }
  }

  # The first run must find its permissions.
  depends_on = [aws_iam_role_policy.canary, aws_iam_role_policy.canary_secret]

  lifecycle {
    precondition {
      condition     = can(regex("^[0-9a-z_-]{1,21}$", local._canary_name))
      error_message = "The canary would be called ${local._canary_name}; Synthetics takes at most 21 lower-case letters, digits, hyphens and underscores: set ontap.canary_name."
    }

    precondition {
      condition     = local._ontap_steps * each.value.check_seconds + local._reserve_seconds <= each.value.timeout_seconds
      error_message = "The canary's last check may never begin: ${local._ontap_steps} checks of ${each.value.check_seconds} s and ${local._reserve_seconds} s in reserve do not fit into ontap.timeout_seconds."
    }

    precondition {
      condition     = length(local._unreached) == 0
      error_message = "The canary runs in a VPC without an endpoint of ${join(", ", local._unreached)}, which it calls: add it (module vpc-endpoints), or set endpoints to null when the VPC has another way out."
    }

    precondition {
      condition     = var.vpc != null
      error_message = "ONTAP's management endpoint is reached from inside the VPC only: vpc must name subnets and security groups."
    }
  }
}

# A new key for new content: Synthetics does not notice a change behind the same key.
resource "aws_s3_object" "package" {
  for_each = local._ontap

  bucket      = module.bucket[0].bucket_name
  key         = "code/canary-${filesha256(var.package_paths.canary)}.zip"
  source      = var.package_paths.canary
  source_hash = filesha256(var.package_paths.canary)
  kms_key_id  = var.operations.kms_key_arn
  tags        = var.context.tags

  lifecycle {
    create_before_destroy = true # the canary in use is changed before its code goes
  }
}
