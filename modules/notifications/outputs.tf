output "kms_key_arn" {
  description = "ARN of the key that encrypts the topic."
  value       = module.key.key_arn
}

output "topic_arn" {
  description = "ARN of the topic, usable by CloudWatch, EventBridge and Budgets."
  value       = aws_sns_topic.this.arn
  depends_on  = [aws_sns_topic_policy.this]
}
