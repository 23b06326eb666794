output "alarm_names" {
  description = "Name of the alarm of lost records."
  value       = [aws_cloudwatch_metric_alarm.failures.alarm_name]
}

output "reader_policy" {
  description = "JSON policy document of a role that reads the table and its indexes."
  value       = data.aws_iam_policy_document.reader.json
}

output "table_arn" {
  description = "ARN of the lineage table."
  value       = aws_dynamodb_table.this.arn
}

output "table_name" {
  description = "Name of the lineage table."
  value       = aws_dynamodb_table.this.name
}

output "ttl_days" {
  description = "Days that a record is kept; 0: for ever."
  value       = var.ttl_days
}

output "writer_policy" {
  description = "JSON policy document of a role that writes records."
  value       = data.aws_iam_policy_document.writer.json
}
