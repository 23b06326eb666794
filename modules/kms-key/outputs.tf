output "key_arn" {
  description = "ARN of the key."
  value       = aws_kms_key.this.arn
}

output "key_usage" {
  description = "What the key does: ENCRYPT_DECRYPT or SIGN_VERIFY."
  value       = var.signing ? "SIGN_VERIFY" : "ENCRYPT_DECRYPT"
}
