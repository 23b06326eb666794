locals {
  # By name of the alarm, which is also the name of its runbook.
  _reconcile_alarms = {
    reconcile-failing = {
      metric      = "ReconcileFailures_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 3
      missing     = "notBreaching" # reconcile-missing tells of silence
      description = "For three minutes ONTAP's FPolicy side could not be brought to what is wanted."
    }
    reconcile-missing = {
      metric      = "ReconcileFailures_count"
      statistic   = "SampleCount"
      comparison  = "LessThanThreshold"
      threshold   = 1
      periods     = 5
      missing     = "breaching" # silence means that nobody looks
      description = "The reconciler has not looked at any SVM for five minutes."
    }
    reconcile-unguarded = {
      metric      = "ReconcileUnguarded"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # no change of a policy: nothing went unguarded
      description = "A policy was changed without its guard: what clients did in about a second was not reported."
    }
    store-filling = {
      metric      = "FPolicyStoreUsed_pct"
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 70
      periods     = 3
      missing     = "notBreaching" # reconcile-missing tells of silence
      description = "A Persistent Store is 70 % full; at 100 % ONTAP drops notifications."
    }
    store-nearly-full = {
      metric      = "FPolicyStoreUsed_pct"
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 90
      periods     = 1
      missing     = "notBreaching" # reconcile-missing tells of silence
      description = "A Persistent Store is 90 % full; at 100 % ONTAP drops notifications."
    }
    store-dropping = {
      metric      = "FPolicyStoreFull_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # reconcile-missing tells of silence
      description = "A Persistent Store is full: ONTAP drops notifications."
    }
    ems-alerts = {
      metric      = "FPolicyEmsAlerts_count"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching" # reconcile-missing tells of silence
      description = "ONTAP reported something about FPolicy that does not heal by itself."
    }
  }

  # Both are one page.
  _reconcile_runbooks = { store-nearly-full = "store-filling" }
}

resource "aws_cloudwatch_metric_alarm" "reconcile" {
  for_each = local._reconcile_alarms

  alarm_name          = "${local._full_name}-${each.key}"
  alarm_description   = "${each.value.description} docs/runbooks/fpolicy-${lookup(local._reconcile_runbooks, each.key, each.key)}.md"
  namespace           = var.operations.metric_namespace
  metric_name         = each.value.metric
  statistic           = lookup(each.value, "statistic", var.metric_catalogue.metrics[each.value.metric].statistic)
  period              = 60
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing # chosen alarm by alarm, above
  alarm_actions       = [var.operations.notification_topic_arn]
  ok_actions          = [var.operations.notification_topic_arn] # each is measured every minute while the reconciler runs, and its silence has an alarm of its own
  tags                = var.context.tags
}
