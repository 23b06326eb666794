# Renames, kept for two releases after the one they came with.

# 2026-11-26: every bucket is made by module private-bucket.
moved {
  from = aws_s3_bucket.artifacts[0]
  to   = module.bucket[0].aws_s3_bucket.this
}

moved {
  from = aws_s3_bucket_ownership_controls.artifacts[0]
  to   = module.bucket[0].aws_s3_bucket_ownership_controls.this
}

moved {
  from = aws_s3_bucket_public_access_block.artifacts[0]
  to   = module.bucket[0].aws_s3_bucket_public_access_block.this
}

moved {
  from = aws_s3_bucket_versioning.artifacts[0]
  to   = module.bucket[0].aws_s3_bucket_versioning.this
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.artifacts[0]
  to   = module.bucket[0].aws_s3_bucket_server_side_encryption_configuration.this
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.artifacts[0]
  to   = module.bucket[0].aws_s3_bucket_lifecycle_configuration.this
}
