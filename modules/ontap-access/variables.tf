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

variable "management" {
  description = "ONTAP's management endpoints: IPv4 addresses (DescribeFileSystems shows the file system's, DescribeStorageVirtualMachines each SVM's) and port of the REST API."
  type = object({
    addresses = set(string)
    port      = optional(number, 443)
  })
  nullable = false

  validation {
    condition     = length(var.management.addresses) > 0 && alltrue([for address in var.management.addresses : can(cidrnetmask("${address}/32"))])
    error_message = "management.addresses needs at least one IPv4 address, such as 198.19.255.10, without a port or a prefix length."
  }

  validation {
    condition     = var.management.port >= 1 && var.management.port <= 65535 && floor(var.management.port) == var.management.port
    error_message = "management.port must be a whole number between 1 and 65535."
  }
}

variable "network" {
  description = "Where the functions run: VPC, subnets (one per zone) that have a route to ONTAP's management addresses, and the range that HTTPS may leave to (null: to the Secrets Manager endpoint only)."
  type = object({
    https_egress_cidr = optional(string)
    subnet_ids        = set(string)
    vpc_id            = string
  })
  nullable = false

  validation {
    condition     = length(var.network.subnet_ids) > 0
    error_message = "network.subnet_ids needs at least one subnet."
  }

  validation {
    condition     = var.network.https_egress_cidr == null || can(cidrnetmask(var.network.https_egress_cidr))
    error_message = "network.https_egress_cidr must be an IPv4 range such as 10.0.0.0/16, or null."
  }
}

variable "secret" {
  description = "The secret with ONTAP's credentials: its full ARN (with the six characters that Secrets Manager adds) and the ARN of the customer key that encrypts it (null: the key that AWS manages)."
  type = object({
    arn         = string
    kms_key_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:[^*?]+-[A-Za-z0-9]{6}$", var.secret.arn))
    error_message = "secret.arn must be the full ARN of one secret, which ends in a hyphen and six letters or digits."
  }
}

variable "secrets_endpoint" {
  description = "How Secrets Manager is reached: create makes its interface endpoint in the VPC (with private DNS, so there can be only one), and other_client_groups (by a fixed name) may use it too; security_group_id is the group of an endpoint that exists; neither: through network.https_egress_cidr."
  type = object({
    create              = optional(bool, false)
    other_client_groups = optional(map(string), {})
    security_group_id   = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = !(var.secrets_endpoint.create && var.secrets_endpoint.security_group_id != null)
    error_message = "secrets_endpoint: create one or name the security group of the one that exists, not both; private DNS allows one per VPC."
  }

  validation {
    condition     = length(var.secrets_endpoint.other_client_groups) == 0 || var.secrets_endpoint.create
    error_message = "secrets_endpoint.other_client_groups needs create: the rules of an endpoint that exists are its owner's."
  }

  validation {
    condition     = var.secrets_endpoint.create || var.secrets_endpoint.security_group_id != null || var.network.https_egress_cidr != null
    error_message = "Secrets Manager cannot be reached: set secrets_endpoint.create, secrets_endpoint.security_group_id or network.https_egress_cidr."
  }
}
