# fsxn_runtime.slo.generate_dashboard_widgets makes the same widgets of the same definitions; a test holds them alike.
locals {
  _signs = { greater = ">", less = "<" }

  # Each series once for each value of the source that its dimensions name, once when they name none.
  _series = {
    for dashboard, widgets in var.dashboards : dashboard => [
      for widget in widgets : flatten([
        for series in widget.series : [
          for value in(length(regexall("{", jsonencode(values(series.dimensions)))) == 0 ? [""] :
            lookup(var.sources, one(distinct(flatten(regexall("{(\\w+)}", join(" ", values(series.dimensions)))))), [])) : {
            metric = concat(
              [coalesce(series.namespace, var.operations.metric_namespace), series.metric],
              flatten([for key, given in series.dimensions : [key, startswith(given, "{") ? value : given]]),
            )
            options = { period = 60, stat = coalesce(series.statistic, try(var.metric_catalogue.metrics[series.metric].statistic, null)) }
          }
        ]
      ])
    ]
  }

  _properties = {
    for dashboard, widgets in var.dashboards : dashboard => [
      for place, widget in widgets : widget.slo != null ? jsonencode({
        annotations = { horizontal = [{ label = "target ${local._signs[local._targets[widget.slo].comparison]} ${local._targets[widget.slo].threshold}", value = local._targets[widget.slo].threshold }] }
        metrics     = [[var.operations.metric_namespace, local._targets[widget.slo].metric, { period = local._targets[widget.slo].period_seconds, stat = local._targets[widget.slo].statistic }]]
        title       = "${widget.title}: ${local._targets[widget.slo].metric}, ${local._targets[widget.slo].statistic}"
        }) : jsonencode({
        metrics = [for series in local._series[dashboard][place] : concat(series.metric, [series.options])]
        title   = widget.title
        yAxis   = { left = { min = 0 } }
      }) if widget.slo != null || length(local._series[dashboard][place]) > 0
    ]
  }

  _alarm_widgets = {
    slo = concat(
      values(aws_cloudwatch_metric_alarm.slo)[*].arn,
      values(aws_cloudwatch_composite_alarm.burn)[*].arn,
      [aws_cloudwatch_composite_alarm.pipeline_down.arn],
    )
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  for_each = var.dashboards

  dashboard_name = "${var.context.name_prefix}-${each.key}"
  dashboard_body = jsonencode({
    widgets = concat(
      [
        for place, properties in local._properties[each.key] : {
          height     = 6
          properties = merge({ region = var.context.region, view = "timeSeries" }, jsondecode(properties))
          type       = "metric"
          width      = 12
          x          = 12 * (place % 2)
          y          = 6 * floor(place / 2)
        }
      ],
      [
        for arns in [lookup(local._alarm_widgets, each.key, [])] : {
          height     = 3
          properties = { alarms = arns, title = "Alarms" }
          type       = "alarm"
          width      = 24
          x          = 0
          y          = 6 * ceil(length(local._properties[each.key]) / 2)
        } if length(arns) > 0
      ],
    )
  })
}
