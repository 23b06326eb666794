# Renames, kept for two releases after the one they came with.

# 2026-11-26: every table is made by module dynamodb-table.
moved {
  from = aws_dynamodb_table.this
  to   = module.table.aws_dynamodb_table.this
}

moved {
  from = aws_dynamodb_table.export[0]
  to   = module.export_table[0].aws_dynamodb_table.this
}

# 2026-11-26: every bucket is made by module private-bucket.
moved {
  from = aws_s3_bucket.export[0]
  to   = module.bucket[0].aws_s3_bucket.this
}

moved {
  from = aws_s3_bucket_ownership_controls.export[0]
  to   = module.bucket[0].aws_s3_bucket_ownership_controls.this
}

moved {
  from = aws_s3_bucket_public_access_block.export[0]
  to   = module.bucket[0].aws_s3_bucket_public_access_block.this
}

moved {
  from = aws_s3_bucket_versioning.export[0]
  to   = module.bucket[0].aws_s3_bucket_versioning.this
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.export[0]
  to   = module.bucket[0].aws_s3_bucket_server_side_encryption_configuration.this
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.export[0]
  to   = module.bucket[0].aws_s3_bucket_lifecycle_configuration.this
}

moved {
  from = aws_s3_bucket_policy.export[0]
  to   = module.bucket[0].aws_s3_bucket_policy.this
}

# 2026-11-26: every key is made by module kms-key.
moved {
  from = aws_kms_key.signing[0]
  to   = module.signing_key[0].aws_kms_key.this
}

moved {
  from = aws_kms_alias.signing[0]
  to   = module.signing_key[0].aws_kms_alias.this
}
