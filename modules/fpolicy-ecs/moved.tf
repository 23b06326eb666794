# Renames, kept for two releases after the one they came with.

# 2026-11-26: every table is made by module dynamodb-table.
moved {
  from = aws_dynamodb_table.reconcile
  to   = module.table.aws_dynamodb_table.this
}

# 2026-11-26: every bucket is made by module private-bucket.
moved {
  from = aws_s3_bucket.config
  to   = module.bucket.aws_s3_bucket.this
}

moved {
  from = aws_s3_bucket_ownership_controls.config
  to   = module.bucket.aws_s3_bucket_ownership_controls.this
}

moved {
  from = aws_s3_bucket_public_access_block.config
  to   = module.bucket.aws_s3_bucket_public_access_block.this
}

moved {
  from = aws_s3_bucket_versioning.config
  to   = module.bucket.aws_s3_bucket_versioning.this
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.config
  to   = module.bucket.aws_s3_bucket_server_side_encryption_configuration.this
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.config
  to   = module.bucket.aws_s3_bucket_lifecycle_configuration.this
}
