output "access_point" {
  description = "Alias and ARN together, as the modules take them that read and write through the access point."
  value       = { alias = local._alias, arn = local._arn }
  depends_on  = [aws_s3control_access_point_policy.this]
}

output "alias" {
  description = "Alias, for use as bucket name in calls; never in IAM, where it matches nothing. A new access point has another one."
  value       = local._alias
  depends_on  = [aws_s3control_access_point_policy.this]
}

output "arn" {
  description = "ARN, for use in policies."
  value       = local._arn
  depends_on  = [aws_cloudformation_stack.this, aws_s3control_access_point_policy.this]
}

output "endpoint_policy" {
  description = "Policy document with what the policy of an S3 endpoint must admit, if callers come through one whose policy is not open."
  value       = data.aws_iam_policy_document.endpoint.json
}

output "origin" {
  description = "Network origin: internet, or the id of the VPC."
  value       = local._origin
}

output "origin_consequence" {
  description = "What the network origin means for callers, in words: a root shows it in its plan."
  value       = local._consequence
}

output "reader_policy" {
  description = "Policy document (JSON) of a role that lists and reads through the access point."
  value       = data.aws_iam_policy_document.reader.json
}

output "writer_policy" {
  description = "Policy document (JSON) of a role that lists, reads, writes and deletes through the access point."
  value       = data.aws_iam_policy_document.writer.json
}
