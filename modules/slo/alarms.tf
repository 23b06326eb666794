# The alarms of the objectives. What each tells besides ALARM, and why:
#
# ingestion-latency   OK: also when nothing arrives any more, and then no event is late.
# success-rate        no OK: silence counts as good, so it may only say that nothing ran since. fsxn slo status has
#                     the newest value.
# reconnect-time      OK: it was measured (silence is no OK). No INSUFFICIENT_DATA: fpolicy-reconcile-missing tells.
# replay-completion   OK: as above. No INSUFFICIENT_DATA: without a server fpolicy-connections tells.
locals {
  _without_ok = toset(["success-rate"])

  # The threshold itself is a violation: "< 5000" is not met at 5000.
  _comparisons = { greater = "LessThanOrEqualToThreshold", less = "GreaterThanOrEqualToThreshold" }
  _topic       = [var.operations.notification_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "slo" {
  for_each = local._targets

  alarm_name          = "${var.context.name_prefix}-slo-${each.key}"
  alarm_description   = "The objective ${each.key} (${each.value.metric} ${each.value.comparison} than ${each.value.threshold}) was missed ${each.value.periods} times in a row. docs/runbooks/slo-${each.key}.md"
  namespace           = var.operations.metric_namespace
  metric_name         = each.value.metric
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = each.value.period_seconds
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = local._comparisons[each.value.comparison]
  treat_missing_data  = each.value.missing_data # the catalogue's choice, see above

  # With "ignore", a p99 of fewer than 1,000 events in five minutes would never change the state: a quiet pipeline
  # would have no alarm. Few events that are slow in three periods in a row are slow.
  evaluate_low_sample_count_percentiles = startswith(each.value.statistic, "p") ? "evaluate" : null

  alarm_actions = local._topic
  ok_actions    = contains(local._without_ok, each.key) ? [] : local._topic # see above
  tags          = var.context.tags
}

# Something that the whole path needs stands still: one page instead of one for each symptom.
resource "aws_cloudwatch_composite_alarm" "pipeline_down" {
  alarm_name        = "${var.context.name_prefix}-pipeline-down"
  alarm_description = "Files change and are not processed: ${join(", ", keys(var.pipeline_alarms))}. docs/runbooks/pipeline-down.md"
  alarm_rule = join(" OR ", [
    for each in values(var.pipeline_alarms) :
    each.unless == null ? "ALARM(\"${each.alarm_name}\")" : "(ALARM(\"${each.alarm_name}\") AND NOT ALARM(\"${each.unless}\"))"
  ])
  alarm_actions = local._topic
  ok_actions    = local._topic # every stage has its own measure of being well again
  tags          = var.context.tags
}
