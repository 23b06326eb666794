# Who may link to the sink, and what a link may share.
data "aws_iam_policy_document" "sink" {
  for_each = local._sinks

  dynamic "statement" {
    for_each = length(each.value.source_account_ids) > 0 ? { this = true } : {}

    content {
      sid       = "LinkAccounts"
      actions   = ["oam:CreateLink", "oam:UpdateLink"]
      resources = ["*"] # the policy is attached to the one sink; OAM's examples have no other form

      principals {
        type        = "AWS"
        identifiers = [for id in each.value.source_account_ids : "arn:${var.context.partition}:iam::${id}:root"]
      }

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "oam:ResourceTypes"
        values   = each.value.resource_types
      }
    }
  }

  dynamic "statement" {
    for_each = length(each.value.organization_ids) > 0 ? { this = true } : {}

    content {
      sid       = "LinkOrganizations"
      actions   = ["oam:CreateLink", "oam:UpdateLink"]
      resources = ["*"] # as above

      principals {
        type        = "AWS"
        identifiers = ["*"] # narrowed to the organizations below
      }

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "oam:ResourceTypes"
        values   = each.value.resource_types
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = each.value.organization_ids
      }
    }
  }
}
