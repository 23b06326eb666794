data "aws_iam_policy_document" "process" {
  statement {
    sid       = "ReadFile"
    actions   = ["s3:GetObject"]
    resources = ["${var.access_point.arn}/object/*"]
  }

  statement {
    sid = "NoticeMissingFile"
    # Without it S3 answers 403 instead of 404 for a file that has vanished.
    actions   = ["s3:ListBucket"]
    resources = [var.access_point.arn]
  }

  statement {
    sid       = "WriteReport"
    actions   = ["s3:PutObject"]
    resources = ["${module.bucket.bucket_arn}/${var.output.prefix}/${var.uc_id}/*"]
  }

  statement {
    sid = "ReadReport"
    # A step that runs twice finds its first report and answers with it.
    actions   = ["s3:GetObject"]
    resources = ["${module.bucket.bucket_arn}/${var.output.prefix}/${var.uc_id}/*"]
  }
}
