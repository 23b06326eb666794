output "alarm_names" {
  description = "Names of the alarms of lost records and, with an export, of the export and its function."
  value = concat(
    [aws_cloudwatch_metric_alarm.failures.alarm_name],
    aws_cloudwatch_metric_alarm.export_behind[*].alarm_name,
    flatten([for function in module.export : values(function.alarm_names)]),
  )
}

output "athena_table_sql" {
  description = "Statement that makes Athena's table over the export; null without one."
  value       = one([for bucket in module.bucket : templatefile("${path.module}/athena.sql.tftpl", { bucket = bucket.bucket_name, table = "lineage" })])
}

output "export" {
  description = "What `fsxn lineage export` and `fsxn lineage verify` need: bucket, function, log group, dead-letter queue, role, ARN of the signing key, table of the export's state; null without an export."
  value = one([for function in module.export : {
    bucket_name           = module.bucket[0].bucket_name
    dead_letter_queue_url = function.dead_letter_queue_url
    function_name         = function.function_name
    log_group_name        = function.log_group_name
    role_name             = function.role_name
    signing_key_arn       = module.signing_key[0].key_arn
    table_name            = module.export_table[0].table_name
  }])
}

output "export_operator_policy" {
  description = "JSON policy document of who runs the export by hand and sees where it stands; null without an export."
  value       = one(data.aws_iam_policy_document.export_operator[*].json)
}

output "reader_policy" {
  description = "JSON policy document of a role that reads the table and its indexes."
  value       = data.aws_iam_policy_document.reader.json
}

output "table_arn" {
  description = "ARN of the lineage table."
  value       = module.table.table_arn
}

output "table_name" {
  description = "Name of the lineage table."
  value       = module.table.table_name
}

output "ttl_days" {
  description = "Days that a record is kept; 0: for ever."
  value       = var.ttl_days
}

output "verifier_policy" {
  description = "JSON policy document of who proves a period: archive, public key, and the table to compare with; null without an export."
  value       = one(data.aws_iam_policy_document.verifier[*].json)
}

output "writer_policy" {
  description = "JSON policy document of a role that writes records."
  value       = data.aws_iam_policy_document.writer.json
}
