resource "aws_cloudwatch_metric_alarm" "without_a_description" {
  alarm_name          = "errors"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_metric_alarm" "names_a_page_that_is_not_there" {
  alarm_name          = "errors"
  alarm_description   = "Something failed. docs/runbooks/no-such-page.md"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
}

resource "aws_cloudwatch_composite_alarm" "without_a_page" {
  alarm_name        = "all"
  alarm_description = "Everything failed."
  alarm_rule        = "ALARM(errors)"
}
