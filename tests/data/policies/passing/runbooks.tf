resource "aws_cloudwatch_metric_alarm" "names_a_page" {
  alarm_name          = "errors"
  alarm_description   = "Something failed. docs/runbooks/lambda-errors.md"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_metric_alarm" "names_pages_by_key" {
  for_each = toset(["errors", "throttles"])

  alarm_name          = each.key
  alarm_description   = "Something failed. docs/runbooks/lambda-${each.key}.md"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
}
