output "link_arn" {
  description = "ARN of the link; null when there is none."
  value       = one([for link in aws_oam_link.this : link.arn])
}

output "sink_arn" {
  description = "ARN of the sink, which links name once its policy is in place; null when there is none."
  value       = one([for sink in aws_oam_sink.this : sink.arn])
  depends_on  = [aws_oam_sink_policy.this]
}
