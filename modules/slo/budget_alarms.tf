# How fast error budgets are used, over pairs of windows: a pair burns when both windows are above its rate. The
# long one says that it matters, the short one that it still goes on (SRE workbook, chapter 5).
#
# Each window is an alarm of its own without actions, because the metrics of one expression must have one period;
# a composite alarm joins them. A window of an objective that is counted in periods is "M of N periods are bad", of
# one that is counted in samples an average over the window. CloudWatch looks at most one day back with periods of
# less than an hour, so longer pairs are left to fsxn slo budget.
# Decision: docs/decisions/0011-burn-rates.md
locals {
  _day_seconds = 86400
  _burn_rates = {
    for name, rate in var.objectives.error_budget.burn_rates : name => rate
    if var.budget_alarms_enabled && rate.long_seconds <= local._day_seconds
  }

  _windows = merge([
    for slo, target in local._targets : merge([
      for name, rate in local._burn_rates : {
        for window, seconds in { long = rate.long_seconds, short = rate.short_seconds } :
        "${slo}-${name}-${window}" => {
          burn    = "${rate.rate} times as fast as it lasts, over ${seconds / 60} minutes"
          rate    = rate.rate
          seconds = seconds
          slo     = slo
          target  = target
          samples = target.objective_pct == null
          # Percent of the window that may be bad at this rate.
          bad_pct = tonumber(format("%.4f", rate.rate * (100 - coalesce(target.objective_pct, target.threshold))))
        }
      }
    ]...)
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "window" {
  for_each = local._windows

  alarm_name        = "${var.context.name_prefix}-slo-${each.value.slo}-burn-${trimprefix(each.key, "${each.value.slo}-")}"
  alarm_description = "The error budget of ${each.value.slo} is used more than ${each.value.burn}. Without actions: <prefix>-slo-${each.value.slo}-burn tells. docs/runbooks/slo-burn.md"
  namespace         = var.operations.metric_namespace
  metric_name       = each.value.target.metric
  statistic         = startswith(each.value.target.statistic, "p") ? null : each.value.target.statistic

  extended_statistic                    = startswith(each.value.target.statistic, "p") ? each.value.target.statistic : null
  evaluate_low_sample_count_percentiles = startswith(each.value.target.statistic, "p") ? "evaluate" : null

  period              = each.value.samples ? each.value.seconds : each.value.target.period_seconds
  evaluation_periods  = each.value.samples ? 1 : floor(each.value.seconds / each.value.target.period_seconds)
  datapoints_to_alarm = each.value.samples ? 1 : floor(each.value.bad_pct / 100 * floor(each.value.seconds / each.value.target.period_seconds) + 0.000000001) + 1
  threshold           = each.value.samples ? 100 - each.value.bad_pct : each.value.target.threshold
  comparison_operator = each.value.samples ? "LessThanThreshold" : local._comparisons[each.value.target.comparison]
  treat_missing_data  = "notBreaching" # a budget is not used by silence
  tags                = var.context.tags
}

resource "aws_cloudwatch_composite_alarm" "burn" {
  for_each = length(local._burn_rates) > 0 ? local._targets : {}

  alarm_name        = "${var.context.name_prefix}-slo-${each.key}-burn"
  alarm_description = "The error budget of ${each.key} is used too fast. fsxn slo budget says which windows. docs/runbooks/slo-burn.md"
  alarm_rule = join(" OR ", [
    for name in keys(local._burn_rates) :
    "(ALARM(\"${aws_cloudwatch_metric_alarm.window["${each.key}-${name}-long"].alarm_name}\") AND ALARM(\"${aws_cloudwatch_metric_alarm.window["${each.key}-${name}-short"].alarm_name}\"))"
  ])
  alarm_actions = local._topic
  ok_actions    = local._topic # the short windows are good again, or silent; the budget that was used stays used
  tags          = var.context.tags
}
