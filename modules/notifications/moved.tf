# Renames, kept for two releases after the one they came with.

# 2026-11-26: every key is made by module kms-key.
moved {
  from = aws_kms_key.this
  to   = module.key.aws_kms_key.this
}

moved {
  from = aws_kms_alias.this
  to   = module.key.aws_kms_alias.this
}
