# One cause, one alarm: what fails because ONTAP does not answer, or because the file system's throughput changes, is
# left to the alarm of that. A check that stops reporting keeps its alarm's state (ignore), because the silence has
# an alarm of its own, which takes missing data for the worst (breaching). Two of three runs must fail.

locals {
  # Checks of ONTAP that mean nothing while it does not answer at all.
  _ontap_checks = var.ontap == null ? {} : merge(
    {
      certificate = {
        check   = "CertificateExpiry"
        meaning = "The management endpoint's certificate ends soon"
        runbook = "canary-certificate"
        target  = var.file_system_id
      }
    },
    [for key, each in local._policies : {
      "fpolicy-${key}" = {
        check   = "FPolicyConnections"
        meaning = "A node has no FPolicy connection for ${each.svm}/${each.policy}"
        runbook = "canary-fpolicy"
        target  = "${each.svm}/${each.policy}"
      }
      "store-${key}" = {
        check   = "StoreSpace"
        meaning = "The persistent store of ${each.svm}/${each.policy} fills up"
        runbook = "canary-store"
        target  = "${each.svm}/${each.policy}"
      }
    }]...
  )

  _access_point_checks = merge(
    {
      get  = { check = "S3APGet", metric = "S3APGet_Success" }
      list = { check = "S3APList", metric = "S3APList_Success" }
    },
    var.access_point.probe_enabled ? { probe = { check = "S3APProbe", metric = "S3APGet_Success" } } : {},
  )
}

resource "aws_cloudwatch_metric_alarm" "ontap_health" {
  for_each = local._ontap

  alarm_name          = "${var.context.name_prefix}-ontap-health"
  alarm_description   = "ONTAP's management endpoint of ${var.file_system_id} does not answer as it must. docs/runbooks/canary-ontap.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "ONTAPHealth_Success"
  dimensions          = { Check = "ONTAPHealth", Target = var.file_system_id }
  statistic           = var.metric_catalogue.metrics["ONTAPHealth_Success"].statistic
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "ignore" # the alarm silent says that nothing comes
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a check has passed: silence is no OK
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "ontap" {
  for_each = local._ontap_checks

  alarm_name          = "${var.context.name_prefix}-ontap-${each.key}"
  alarm_description   = "${each.value.meaning}. docs/runbooks/${each.value.runbook}.md"
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "ignore" # the alarm silent says that nothing comes
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a check has passed: silence is no OK
  tags                = var.context.tags

  metric_query {
    id          = "counted"
    expression  = "IF(health < 1, 1, success)"
    label       = "${each.value.check}, while ONTAP answers"
    return_data = true
  }

  metric_query {
    id = "health"

    metric {
      namespace   = var.operations.metric_namespace
      metric_name = "ONTAPHealth_Success"
      dimensions  = { Check = "ONTAPHealth", Target = var.file_system_id }
      stat        = var.metric_catalogue.metrics["ONTAPHealth_Success"].statistic
      period      = 300
    }
  }

  metric_query {
    id = "success"

    metric {
      namespace   = var.operations.metric_namespace
      metric_name = "ONTAPHealth_Success"
      dimensions  = { Check = each.value.check, Target = each.value.target }
      stat        = var.metric_catalogue.metrics["ONTAPHealth_Success"].statistic
      period      = 300
    }
  }
}

# The canary stopped, its script ends before its checks, or its metrics do not arrive: nobody looks at ONTAP.
resource "aws_cloudwatch_metric_alarm" "ontap_silent" {
  for_each = local._ontap

  alarm_name          = "${var.context.name_prefix}-ontap-canary-silent"
  alarm_description   = "For 15 minutes the canary ${local._canary_name} told nothing. docs/runbooks/canary-silent.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "ONTAPHealth_Success"
  dimensions          = { Check = "ONTAPHealth", Target = var.file_system_id }
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching" # a heart-beat
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a run has reported again
  tags                = var.context.tags
}

# While the file system's throughput changes, every call may be refused: one alarm says so, and these wait.
resource "aws_cloudwatch_metric_alarm" "access_point" {
  for_each = local._access_point_checks

  alarm_name          = "${var.context.name_prefix}-access-point-${each.key}"
  alarm_description   = "${each.value.check} fails through the access point ${local._access_point_name}. docs/runbooks/access-point.md"
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "ignore" # the alarm silent says that nothing comes
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a check has passed: silence is no OK
  tags                = var.context.tags

  metric_query {
    id          = "counted"
    expression  = "IF(disrupted > 0, 1, success)"
    label       = "${each.value.check}, disruptions left out"
    return_data = true
  }

  metric_query {
    id = "disrupted"

    metric {
      namespace   = var.operations.metric_namespace
      metric_name = "S3APDisrupted_count"
      dimensions  = { Target = local._access_point_name }
      stat        = var.metric_catalogue.metrics["S3APDisrupted_count"].statistic
      period      = 300
    }
  }

  metric_query {
    id = "success"

    metric {
      namespace   = var.operations.metric_namespace
      metric_name = each.value.metric
      dimensions  = { Check = each.value.check, Target = local._access_point_name }
      stat        = var.metric_catalogue.metrics[each.value.metric].statistic
      period      = 300
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "disrupted" {
  alarm_name          = "${var.context.name_prefix}-access-point-disrupted"
  alarm_description   = "The access point ${local._access_point_name} refuses while the throughput of ${var.file_system_id} changes. docs/runbooks/access-point-disrupted.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "S3APDisrupted_count"
  dimensions          = { Target = local._access_point_name }
  statistic           = var.metric_catalogue.metrics["S3APDisrupted_count"].statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "ignore" # the alarm silent says that nothing comes
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a run has seen the end of it: silence is no OK
  tags                = var.context.tags
}

resource "aws_cloudwatch_metric_alarm" "access_point_silent" {
  alarm_name          = "${var.context.name_prefix}-access-point-silent"
  alarm_description   = "For 15 minutes the monitor of ${local._access_point_name} told nothing. docs/runbooks/canary-silent.md"
  namespace           = var.operations.metric_namespace
  metric_name         = "S3APList_Success"
  dimensions          = { Check = "S3APList", Target = local._access_point_name }
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching" # a heart-beat
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # a run has reported again
  tags                = var.context.tags
}
