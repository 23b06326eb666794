output "index_names" {
  description = "Names of the indexes."
  value       = toset(aws_dynamodb_table.this.global_secondary_index[*].name)
}

output "table_arn" {
  description = "ARN of the table."
  value       = aws_dynamodb_table.this.arn
}

output "table_name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.this.name
}

output "table_tags" {
  description = "Tags of the table, without the provider's default tags."
  value       = aws_dynamodb_table.this.tags
}
