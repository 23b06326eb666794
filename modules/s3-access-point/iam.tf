locals {
  # What an access point on FSx for ONTAP serves, as IAM names it (FSx for ONTAP user guide, access point compatibility):
  # s3:ListBucket stands for HeadBucket and ListObjectsV2. On the access point itself, and on what is below /object/.
  _access_point_actions = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
  _object_actions = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectTagging",
  ]
  _actions = concat(local._access_point_actions, local._object_actions)

  # Measured in the field: with one of these S3 says "Policy has invalid action" and not which.
  _action_rule = "Known are ${join(", ", local._actions)}. S3 refuses s3:DeleteBucketPolicy, s3:GetBucketLocation, s3:GetBucketVersioning, s3:PutAccessPointPolicy, s3:PutBucketNotification, s3:PutBucketPolicy and s3:PutBucketVersioning here (MalformedPolicy: Policy has invalid action); they belong in identity policies."

  # Each statement of the policy in up to two parts, because the two kinds of action have different resources.
  _parts = {
    for part in flatten([
      for kind, statements in { Allow = var.grants, Deny = var.restrictions } : [
        for sid, statement in statements : [
          for place, scope in {
            AccessPoint = { actions = local._access_point_actions, resource = local._arn }
            Objects     = { actions = local._object_actions, resource = "${local._arn}/object/*" }
            } : {
            actions        = setintersection(scope.actions, coalesce(statement.actions, local._actions))
            effect         = kind
            principal_arns = statement.principal_arns
            resource       = scope.resource
            sid            = "${sid}${place}"
          }
        ]
      ]
    ]) : part.sid => part if length(part.actions) > 0
  }
  _policy_length = length(jsonencode(local._parts))
}

data "aws_iam_policy_document" "access_point" {
  dynamic "statement" {
    for_each = local._parts

    content {
      sid       = statement.key
      effect    = statement.value.effect
      actions   = statement.value.actions
      resources = [statement.value.resource]

      # Never NotPrincipal: a role's sessions have ARNs of their own, which it does not match.
      principals {
        type        = "AWS"
        identifiers = statement.value.effect == "Deny" ? ["*"] : statement.value.principal_arns
      }

      dynamic "condition" {
        for_each = statement.value.effect == "Deny" ? { this = statement.value.principal_arns } : {}

        content {
          test     = "StringNotEquals"
          variable = "aws:PrincipalArn"
          values   = condition.value
        }
      }
    }
  }
}

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [local._arn]
  }

  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = ["${local._arn}/object/*"]
  }
}

data "aws_iam_policy_document" "writer" {
  source_policy_documents = [data.aws_iam_policy_document.reader.json]

  statement {
    sid       = "FindUploads"
    actions   = ["s3:ListBucketMultipartUploads"]
    resources = [local._arn]
  }

  statement {
    sid       = "Write"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${local._arn}/object/*"]
  }
}

# What the policy of an S3 endpoint must hold at least; who of the account may call is decided by the other policies.
data "aws_iam_policy_document" "endpoint" {
  statement {
    sid       = "ListAccessPoint"
    actions   = local._access_point_actions
    resources = [local._arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [var.context.account_id]
    }
  }

  statement {
    sid       = "UseObjects"
    actions   = local._object_actions
    resources = ["${local._arn}/object/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [var.context.account_id]
    }
  }
}
