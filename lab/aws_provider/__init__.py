"""Stand-in for the AWS provider of Terraform: the real schema, applied to the local AWS through boto3."""
