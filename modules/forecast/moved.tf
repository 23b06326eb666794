# Renames, kept for two releases after the one they came with.

# 2026-11-26: every table is made by module dynamodb-table.
moved {
  from = aws_dynamodb_table.told
  to   = module.table.aws_dynamodb_table.this
}
