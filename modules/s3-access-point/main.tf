locals {
  _name   = var.create == null ? reverse(split("/", var.existing.arn))[0] : var.create.name
  _origin = var.create == null ? var.existing.network_origin : var.create.network_origin
  # Known before the access point is made, so that a plan shows every policy that names it.
  _arn   = var.create == null ? var.existing.arn : "arn:${var.context.partition}:s3:${var.context.region}:${var.context.account_id}:accesspoint/${var.create.name}"
  _alias = var.create == null ? var.existing.alias : aws_cloudformation_stack.this["this"].outputs["Alias"]

  _consequence = (local._origin == "internet"
    ? "Network origin of ${local._name}: Internet, for life. Reachable from anywhere by who the policies admit. A function outside any VPC reaches it; in a VPC it needs a NAT gateway, and an S3 gateway endpoint in its subnet takes the way instead: then calls may time out."
  : "Network origin of ${local._name}: ${local._origin}, for life. Only calls through an S3 endpoint of that VPC are admitted; a function outside any VPC, or in another one, is refused before any policy is read, with the text of an explicit deny.")

  _template = var.create == null ? null : {
    AWSTemplateFormatVersion = "2010-09-09"
    Description              = local._consequence
    Resources = {
      AccessPoint = {
        Type                = "AWS::FSx::S3AccessPointAttachment"
        DeletionPolicy      = var.create.retained_on_destroy ? "Retain" : "Delete"
        UpdateReplacePolicy = "Retain"
        Properties = merge(
          {
            Name = var.create.name
            Type = "ONTAP"
            OntapConfiguration = {
              VolumeId = var.create.volume_id
              FileSystemIdentity = merge(
                { Type = var.create.identity.type },
                { (var.create.identity.type == "UNIX" ? "UnixUser" : "WindowsUser") = { Name = var.create.identity.name } },
              )
            }
          },
          local._origin == "internet" ? {} : { S3AccessPoint = { VpcConfiguration = { VpcId = local._origin } } },
        )
      }
    }
    Outputs = {
      Alias = { Value = { "Fn::GetAtt" = ["AccessPoint", "S3AccessPoint.Alias"] } }
      Arn   = { Value = { "Fn::GetAtt" = ["AccessPoint", "S3AccessPoint.ResourceARN"] } }
    }
  }

  # CloudFormation has no update for it: every change of a property would make another access point with another alias,
  # and take the old one away. The stack refuses both.
  _stack_policy = {
    Statement = [
      {
        Effect    = "Allow"
        Action    = "Update:*"
        Principal = "*"
        Resource  = "*"
      },
      {
        Effect    = "Deny"
        Action    = ["Update:Delete", "Update:Replace"]
        Principal = "*"
        Resource  = "LogicalResourceId/AccessPoint"
      },
    ]
  }
}

# hashicorp/aws knows such attachments for OpenZFS only (its issue 45362). The policy is not in the template, because
# CloudFormation can change it only by replacing the access point.
resource "aws_cloudformation_stack" "this" {
  for_each = var.create == null ? {} : { this = var.create }

  name = "${var.context.name_prefix}-access-point-${each.value.name}"
  # Who changes the stack publishes, with its own permissions: a change outside Terraform is told as well.
  notification_arns = [var.notification_topic_arn]
  on_failure        = "DELETE" # a FAILED attachment would keep the name taken
  policy_body       = jsonencode(local._stack_policy)
  template_body     = jsonencode(local._template)
  tags              = var.context.tags

  timeouts {
    create = "30m"
    delete = "30m"
    update = "30m"
  }
}

resource "aws_s3control_access_point_policy" "this" {
  for_each = length(var.grants) + length(var.restrictions) == 0 ? {} : { this = local._arn }

  access_point_arn = each.value
  policy           = data.aws_iam_policy_document.access_point.json

  depends_on = [aws_cloudformation_stack.this]

  lifecycle {
    # Documented: 20 KB, after a normalisation that nobody has described (24 620 bytes were taken, 24 861 were not).
    precondition {
      condition     = local._policy_length <= 20480
      error_message = "The policy of the access point has about ${local._policy_length} characters; S3 takes 20480. Give groups of callers an access point each."
    }
  }
}
