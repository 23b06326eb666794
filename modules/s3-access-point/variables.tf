variable "context" {
  description = "Where this runs and how it is named: account id, region, partition, prefix of every name (2 to 24 lower-case letters, digits, hyphens), and tags beyond the provider's default tags."
  type = object({
    account_id  = string
    name_prefix = string
    partition   = optional(string, "aws")
    region      = string
    tags        = optional(map(string), {})
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.context.name_prefix))
    error_message = "context.name_prefix must have 2 to 24 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "create" {
  description = "The access point to create. All of it is for life, and a new access point has a new alias: name (3 to 50 lower-case letters, digits, hyphens; it shows in public DNS), id of the mounted volume, network_origin (internet, or the id of the only VPC that may call), identity (the UNIX or WINDOWS user of the SVM that every call acts as; read-only is a user that may not write). retained_on_destroy leaves the access point and its alias in place when Terraform destroys the stack. null: one that exists."
  type = object({
    identity = object({
      name = string
      type = string
    })
    name                = string
    network_origin      = string
    retained_on_destroy = optional(bool, true)
    volume_id           = string
  })
  default = null

  validation {
    condition     = (var.create == null) != (var.existing == null)
    error_message = "Give exactly one of create and existing: an access point is either made here or taken as it is."
  }

  # AWS API model of service fsx, S3AccessPointAttachmentName.
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$", var.create.name)) || var.create == null
    error_message = "create.name must have 3 to 50 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }

  validation {
    condition     = can(regex("^fsvol-[0-9a-f]{17,}$", var.create.volume_id)) || var.create == null
    error_message = "create.volume_id must be the id of an FSx volume, such as fsvol-0123456789abcdef0, not its name."
  }

  validation {
    condition     = can(regex("^(internet|vpc-[0-9a-f]{8,})$", var.create.network_origin)) || var.create == null
    error_message = "create.network_origin must be internet, or the id of one VPC such as vpc-0123456789abcdef0. It can never be changed: docs/reference/s3-access-points.md has the table to decide by."
  }

  validation {
    condition     = try(contains(["UNIX", "WINDOWS"], var.create.identity.type), true)
    error_message = "create.identity.type must be UNIX or WINDOWS."
  }

  # 1 to 256 characters: AWS API model, OntapUnixFileSystemUser and OntapWindowsFileSystemUser.
  validation {
    condition = try(
      var.create.identity.type == "UNIX" ? can(regex("^[^\\\\@:\\s]{1,256}$", var.create.identity.name)) : can(regex("^[^\\s]([^\\r\\n\\t]{0,254}[^\\s])?$", var.create.identity.name)),
      true,
    )
    error_message = "create.identity.name must be a user name of 1 to 256 characters that the SVM can look up; for UNIX without domain, colon or spaces."
  }

  validation {
    condition     = try(!contains(["fsxadmin", "vsadmin"], lower(var.create.identity.name)), true)
    error_message = "create.identity.name is an administrator of ONTAP, not a user in the SVM's name service: the attachment would end as FAILED (\"Failed to lookup the provided user in ONTAP\"). Create a local user on the SVM and name it here."
  }

  validation {
    condition     = try(!contains(["0", "administrator", "root"], lower(reverse(split("\\", split("@", var.create.identity.name)[0]))[0])), true)
    error_message = "create.identity.name is a superuser: every caller that AWS admits could read, overwrite and delete every file, whatever its mode bits or ACL, and the identity can never be changed. Create a user with the rights that the callers need."
  }
}

variable "existing" {
  description = "An access point that exists: alias (used as bucket name in calls), ARN (used in policies; an alias never matches there), and its network origin: internet, or the id of its VPC. Its policy stays with who made it. null: create one."
  type = object({
    alias          = string
    arn            = string
    network_origin = optional(string, "internet")
  })
  default = null

  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:[a-z0-9-]+:[0-9]{12}:accesspoint/[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$", var.existing.arn)) || var.existing == null
    error_message = "existing.arn must be the ARN of an S3 access point (arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME), not an alias or a bucket."
  }

  validation {
    condition     = can(regex("^[0-9a-z-]{1,63}$", var.existing.alias)) && can(regex("s3alias$", var.existing.alias)) || var.existing == null
    error_message = "existing.alias must be the access point's alias, which ends with s3alias; not its name or ARN."
  }

  validation {
    condition     = can(regex("^(internet|vpc-[0-9a-f]{8,})$", var.existing.network_origin)) || var.existing == null
    error_message = "existing.network_origin must be internet, or the id of the access point's VPC."
  }
}

variable "function_vpc" {
  description = "Subnets and security groups of the functions that call through the access point; null: outside any VPC. Only compared with the network origin."
  type = object({
    security_group_ids = set(string)
    subnet_ids         = set(string)
  })
  default = null

  validation {
    condition     = var.function_vpc != null || try(var.create.network_origin, var.existing.network_origin, "internet") == "internet"
    error_message = "The access point's network origin is a VPC, and the functions are outside any VPC: S3 would refuse every call before it reads a policy. Give function_vpc in that VPC, or an access point with network_origin internet."
  }
}

variable "grants" {
  description = "What principals of other accounts may do, by statement id: principals (ARNs of roles or users), actions. In the access point's own account an identity policy is enough, and a narrow grant restricts nobody there: use restrictions."
  type = map(object({
    actions        = set(string)
    principal_arns = set(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.grants) == 0 || var.create != null
    error_message = "grants need create: the policy of an existing access point is one document, and it belongs to who made the access point."
  }

  validation {
    condition = alltrue([for arn in flatten([for grant in var.grants : tolist(grant.principal_arns)]) :
    can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/[^*]+$", arn))])
    error_message = "grants.principal_arns must be ARNs of IAM roles or users, without wildcards: a session's ARN changes with every session, and root would be the whole account."
  }

  validation {
    condition     = alltrue([for grant in var.grants : length(setsubtract(grant.actions, local._actions)) == 0])
    error_message = "grants.actions holds what an access point on FSx for ONTAP does not serve or its policy does not take. ${local._action_rule}"
  }
}

variable "notification_topic_arn" {
  description = "Topic that is told of every change of the stack (module notifications). Who applies needs sns:Publish on it, and kms:GenerateDataKey* and kms:Decrypt on its key."
  type        = string
  nullable    = false
}

variable "restrictions" {
  description = "Who alone may do what, by statement id: everybody else is denied, whatever their identity policies say (Deny unless aws:PrincipalArn is one of principal_arns; for an assumed role that is the role's ARN). Without actions: everything."
  type = map(object({
    actions        = optional(set(string))
    principal_arns = set(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.restrictions) == 0 || var.create != null
    error_message = "restrictions need create: the policy of an existing access point is one document, and it belongs to who made the access point."
  }

  validation {
    condition = alltrue([for restriction in var.restrictions : length(restriction.principal_arns) > 0]) && alltrue([
      for arn in flatten([for restriction in var.restrictions : tolist(restriction.principal_arns)]) :
    can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/[^*]+$", arn))])
    error_message = "restrictions.principal_arns must be ARNs of IAM roles or users, without wildcards and at least one: a session's ARN never equals aws:PrincipalArn, and an empty list would deny everybody."
  }

  validation {
    condition     = alltrue([for restriction in var.restrictions : length(setsubtract(coalesce(restriction.actions, []), local._actions)) == 0])
    error_message = "restrictions.actions holds what an access point on FSx for ONTAP does not serve or its policy does not take. ${local._action_rule}"
  }
}
