# Every validation and every precondition has a run that must fail.

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

run "rejects_a_prefix_with_capitals" {
  command = plan

  variables {
    context = { account_id = "111122223333", name_prefix = "FSxN", region = "us-east-1" }
  }

  expect_failures = [var.context]
}

run "rejects_neither_one_to_create_nor_an_existing_one" {
  command = plan

  variables {
    create = null
  }

  expect_failures = [var.create]
}

run "rejects_one_to_create_and_an_existing_one" {
  command = plan

  variables {
    existing = {
      alias = "legal-vol1-abcdefghijklmnop-ext-s3alias"
      arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
    }
  }

  expect_failures = [var.create]
}

run "rejects_a_name_with_capitals" {
  command = plan

  variables {
    create = {
      identity       = { name = "reader", type = "UNIX" }
      name           = "Legal"
      network_origin = "internet"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_a_name_in_place_of_a_volume_id" {
  command = plan

  variables {
    create = {
      identity       = { name = "reader", type = "UNIX" }
      name           = "legal-vol1"
      network_origin = "internet"
      volume_id      = "vol1"
    }
  }

  expect_failures = [var.create]
}

run "rejects_an_origin_that_is_neither_internet_nor_a_vpc" {
  command = plan

  variables {
    create = {
      identity       = { name = "reader", type = "UNIX" }
      name           = "legal-vol1"
      network_origin = "VPC"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_an_unknown_type_of_identity" {
  command = plan

  variables {
    create = {
      identity       = { name = "reader", type = "POSIX" }
      name           = "legal-vol1"
      network_origin = "internet"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_a_unix_user_with_a_domain" {
  command = plan

  variables {
    create = {
      identity       = { name = "CORP\\reader", type = "UNIX" }
      name           = "legal-vol1"
      network_origin = "internet"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_fsxadmin_as_identity" {
  command = plan

  variables {
    create = {
      identity       = { name = "fsxadmin", type = "UNIX" }
      name           = "legal-vol1"
      network_origin = "internet"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_root_as_identity" {
  command = plan

  variables {
    create = {
      identity       = { name = "root", type = "UNIX" }
      name           = "legal-vol1"
      network_origin = "internet"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_a_domains_administrator_as_identity" {
  command = plan

  variables {
    create = {
      identity       = { name = "CORP\\Administrator", type = "WINDOWS" }
      name           = "legal-vol1"
      network_origin = "internet"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.create]
}

run "rejects_an_alias_in_place_of_the_arn" {
  command = plan

  variables {
    create = null
    existing = {
      alias = "legal-vol1-abcdefghijklmnop-ext-s3alias"
      arn   = "legal-vol1-abcdefghijklmnop-ext-s3alias"
    }
  }

  expect_failures = [var.existing]
}

run "rejects_a_name_in_place_of_the_alias" {
  command = plan

  variables {
    create = null
    existing = {
      alias = "legal-vol1"
      arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
    }
  }

  expect_failures = [var.existing]
}

run "rejects_an_unknown_origin_of_an_existing_one" {
  command = plan

  variables {
    create = null
    existing = {
      alias          = "legal-vol1-abcdefghijklmnop-ext-s3alias"
      arn            = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
      network_origin = "VPC"
    }
  }

  expect_failures = [var.existing]
}

run "rejects_functions_outside_any_vpc_for_a_vpc_origin" {
  command = plan

  variables {
    create = {
      identity       = { name = "reader", type = "UNIX" }
      name           = "legal-vol1"
      network_origin = "vpc-0123456789abcdef0"
      volume_id      = "fsvol-0123456789abcdef0"
    }
  }

  expect_failures = [var.function_vpc]
}

run "rejects_a_grant_on_an_existing_one" {
  command = plan

  variables {
    create = null
    existing = {
      alias = "legal-vol1-abcdefghijklmnop-ext-s3alias"
      arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
    }
    grants = { Partner = { actions = ["s3:GetObject"], principal_arns = ["arn:aws:iam::111122223333:role/reader"] } }
  }

  expect_failures = [var.grants]
}

run "rejects_a_grant_to_a_whole_account" {
  command = plan

  variables {
    grants = { Partner = { actions = ["s3:GetObject"], principal_arns = ["arn:aws:iam::444455556666:root"] } }
  }

  expect_failures = [var.grants]
}

run "rejects_a_granted_action_that_s3_refuses_here" {
  command = plan

  variables {
    grants = { Partner = { actions = ["s3:GetBucketLocation"], principal_arns = ["arn:aws:iam::111122223333:role/reader"] } }
  }

  expect_failures = [var.grants]
}

run "rejects_a_restriction_of_an_existing_one" {
  command = plan

  variables {
    create = null
    existing = {
      alias = "legal-vol1-abcdefghijklmnop-ext-s3alias"
      arn   = "arn:aws:s3:us-east-1:111122223333:accesspoint/legal-vol1"
    }
    restrictions = { Only = { principal_arns = ["arn:aws:iam::111122223333:role/reader"] } }
  }

  expect_failures = [var.restrictions]
}

run "rejects_a_restriction_to_a_session" {
  command = plan

  variables {
    restrictions = { Only = { principal_arns = ["arn:aws:sts::111122223333:assumed-role/reader/x"] } }
  }

  expect_failures = [var.restrictions]
}

run "rejects_a_restricted_action_that_is_an_operations_name" {
  command = plan

  variables {
    restrictions = { Only = { actions = ["s3:ListObjectsV2"], principal_arns = ["arn:aws:iam::111122223333:role/reader"] } }
  }

  expect_failures = [var.restrictions]
}

run "rejects_a_policy_that_s3_would_not_take" {
  command = plan

  variables {
    restrictions = { Only = { principal_arns = [for number in range(300) : "arn:aws:iam::111122223333:role/reader-${number}"] } }
  }

  expect_failures = [aws_s3control_access_point_policy.this]
}
