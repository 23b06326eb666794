variable "client_security_group_ids" {
  description = "Security groups of what calls through the endpoints, by a fixed name: each may reach the interface endpoints, and gets a rule that lets it out to the gateway endpoints."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.client_security_group_ids) > 0
    error_message = "client_security_group_ids needs at least one group: nobody else may use the endpoints."
  }
}

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

variable "existing" {
  description = "Services whose endpoints the VPC has already: they are not made. Private DNS allows one interface endpoint of a service in a VPC."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "network" {
  description = "VPC, subnets of the interface endpoints (one per zone of the callers), and the route tables of the callers' subnets, which the gateway endpoints of s3 and dynamodb are written into."
  type = object({
    route_table_ids = optional(set(string), [])
    subnet_ids      = set(string)
    vpc_id          = string
  })
  nullable = false

  validation {
    condition     = length(var.network.subnet_ids) > 0
    error_message = "network.subnet_ids needs at least one subnet."
  }
}

variable "services" {
  description = "Services that are called from inside the VPC, by caller: outputs vpc_services of the modules, merged. Names are those of endpoints without com.amazonaws and region: s3, monitoring, ecr.api."
  type        = map(set(string))
  nullable    = false

  validation {
    condition     = alltrue([for service in flatten([for each in values(var.services) : tolist(each)]) : can(regex("^[a-z][a-z0-9.-]*$", service)) && !startswith(service, "com.")])
    error_message = "services must be names such as sqs or ecr.api, without com.amazonaws and region."
  }
}
