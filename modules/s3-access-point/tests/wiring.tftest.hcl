# What the module connects, with a mocked provider.

mock_provider "aws" {
  # Mocked strings are random, so a mocked policy document is not JSON (terraform-provider-aws issue 36700).
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  context = {
    account_id  = "111122223333"
    name_prefix = "fsxn-test"
    region      = "us-east-1"
  }
  create = {
    identity       = { name = "reader", type = "UNIX" }
    name           = "legal-vol1"
    network_origin = "internet"
    volume_id      = "fsvol-0123456789abcdef0"
  }
  notification_topic_arn = "arn:aws:sns:us-east-1:111122223333:topic"
}

run "makes_one_stack_whose_access_point_cannot_be_replaced" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_cloudformation_stack.this["this"].policy_body).Statement : statement.Effect => statement }["Deny"] == {
      Action    = ["Update:Delete", "Update:Replace"]
      Effect    = "Deny"
      Principal = "*"
      Resource  = "LogicalResourceId/AccessPoint"
    }
    error_message = "The stack lets CloudFormation replace the access point, which would have a new alias."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this["this"].template_body).Resources.AccessPoint.DeletionPolicy == "Retain"
    error_message = "Destroying the stack takes the access point away, although nobody asked for that."
  }

  assert {
    condition     = length(aws_s3control_access_point_policy.this) == 0
    error_message = "Without grants and restrictions there is still a policy."
  }

  assert {
    condition     = !strcontains(aws_cloudformation_stack.this["this"].template_body, "VpcConfiguration")
    error_message = "An access point with Internet origin names a VPC."
  }
}

run "gives_the_access_point_up_only_when_told_to" {
  command = plan

  variables {
    create = {
      identity            = { name = "reader", type = "UNIX" }
      name                = "legal-vol1"
      network_origin      = "internet"
      volume_id           = "fsvol-0123456789abcdef0"
      retained_on_destroy = false
    }
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this["this"].template_body).Resources.AccessPoint.DeletionPolicy == "Delete"
    error_message = "retained_on_destroy = false is not followed."
  }
}

run "changes_the_policy_without_touching_the_stack" {
  command = plan

  variables {
    restrictions = { Only = { principal_arns = ["arn:aws:iam::111122223333:role/reader"] } }
  }

  assert {
    condition     = length(aws_s3control_access_point_policy.this) == 1 && !strcontains(aws_cloudformation_stack.this["this"].template_body, "role/reader")
    error_message = "The policy is in the template, where a change would replace the access point."
  }
}

run "binds_the_access_point_to_its_vpc" {
  command = plan

  variables {
    create = {
      identity       = { name = "CORP\\reader", type = "WINDOWS" }
      name           = "legal-vol1"
      network_origin = "vpc-0123456789abcdef0"
      volume_id      = "fsvol-0123456789abcdef0"
    }
    function_vpc = { security_group_ids = ["sg-1"], subnet_ids = ["subnet-1"] }
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this["this"].template_body).Resources.AccessPoint.Properties.S3AccessPoint.VpcConfiguration.VpcId == "vpc-0123456789abcdef0"
    error_message = "The access point is not bound to its VPC."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.this["this"].template_body).Resources.AccessPoint.Properties.OntapConfiguration.FileSystemIdentity.WindowsUser.Name == "CORP\\reader"
    error_message = "The Windows user is not handed on."
  }

  assert {
    condition     = output.origin == "vpc-0123456789abcdef0" && strcontains(output.origin_consequence, "for life")
    error_message = "The outputs do not say the network origin and what it means."
  }
}

run "takes_an_existing_one_as_it_is" {
  command = plan

  variables {
    create = null
    existing = {
      alias = "legal-vol1-abcdefghijklmnop-ext-s3alias"
      arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
    }
  }

  assert {
    condition     = length(aws_cloudformation_stack.this) + length(aws_s3control_access_point_policy.this) == 0
    error_message = "Something is made for an access point that exists."
  }

  assert {
    condition     = output.access_point == { alias = "legal-vol1-abcdefghijklmnop-ext-s3alias", arn = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1" }
    error_message = "The existing access point is not handed on."
  }
}
