variable "access_point" {
  description = "An S3 access point of the volume that exists: alias, ARN, and its network origin (internet, or the id of its VPC). null: new_access_point."
  type = object({
    alias          = string
    arn            = string
    network_origin = optional(string, "internet")
  })
  default = null
}

variable "account_id" {
  description = "The only account that this root may be applied to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must have 12 digits."
  }
}

variable "approval_link" {
  description = "Approval of growth by a link in the notification, besides the command: authorization AWS_IAM (a proxy that signs) or NONE (whoever has the link; `reason` must say why), base_url of the proxy, concurrency. null: by command only (docs/decisions/0006-approval-by-command.md)."
  type = object({
    authorization = optional(string, "AWS_IAM")
    base_url      = optional(string)
    concurrency   = optional(number, 2)
    reason        = optional(string, "")
  })
  default = null
}

variable "canary" {
  description = "What is watched: FPolicy policies that must be connected (by a fixed short name), key of a small file that is read through the access point (it must exist), whether a probe file is written, read and deleted there, and whether the SVM is joined to an Active Directory."
  type = object({
    joined_to_directory = optional(bool, false)
    marker_key          = optional(string, ".fsxn-canary/marker")
    policies = optional(map(object({
      policy = string
      svm    = string
    })), {})
    probe_enabled = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "cloudevents" {
  description = "Consumers that receive file events as CloudEvents 1.0 in an SQS queue of theirs, by name: ARN of the queue, whose policy must admit the rule (output cloudevents_rule_arns); event types wanted, empty for all. Module event-router."
  type = map(object({
    event_types = optional(list(string), [])
    queue_arn   = string
  }))
  default  = {}
  nullable = false
}

variable "cost" {
  description = "What is told of costs (module cost-dashboard): monthly budgets in USD, prices where the shipped file has none of the Region (key of python/fsxn_runtime/cost/prices.json to usd for per units), and whether this account may make the tag Workload a cost allocation tag."
  type = object({
    budgets = optional(object({
      actual_percents   = optional(set(number), [80, 100])
      forecast_percents = optional(set(number), [100])
      monthly_usd       = number
      workloads         = optional(map(number), {})
    }))
    prices                 = optional(map(object({ per = string, usd = string })))
    tag_activation_enabled = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "data_classification" {
  description = "What the content inventory's files are: public, internal, confidential or restricted (module workload). null: no label."
  type        = string
  default     = null
}

variable "email_addresses" {
  description = "Addresses that receive every alarm, by a fixed short name."
  type        = map(string)
  nullable    = false
}

variable "expansion_ontap" {
  description = "Lets expansion ask ONTAP which volumes grow by themselves, and grow volumes there (volume_growth ontap) in place of FSx (fsx). The function then runs in the VPC (vpc_endpoints). null: FSx only."
  type        = object({ volume_growth = optional(string, "fsx") })
  default     = null
}

variable "file_system_id" {
  description = "The file system whose capacity is forecast and grows."
  type        = string
  nullable    = false
}

variable "file_system_sizes_gb" {
  description = "SSD capacity in GiB of the file systems that may grow, by a fixed name: a plan warns when a step of 10 %, the least that FSx takes, is above the guardrail's daily cap."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "function_vpc" {
  description = "Subnets and security groups of the functions that read through the access point, when it has VPC origin; null for Internet origin."
  type = object({
    security_group_ids = set(string)
    subnet_ids         = set(string)
  })
  default = null
}

variable "growing_volumes" {
  description = "Volumes that may grow, by a fixed name: id, and whether ONTAP grows the volume itself (autosize)."
  type = map(object({
    autosized = optional(bool, false)
    id        = string
  }))
  default  = {}
  nullable = false
}

variable "guardrail" {
  description = "Limits of growth, checked by module guardrails: mode (ENFORCE decides), and per action type actions and GiB per UTC day, other GiB for some action types (file_system_grow, volume_grow), seconds between two actions, failures in a row that block."
  type = object({
    limits = optional(object({
      cooldown_seconds = optional(number, 300)
      daily_cap_gb     = optional(number, 500)
      daily_caps_gb    = optional(map(number), {})
      max_failures     = optional(number, 3)
      rate_limit       = optional(number, 10)
    }), {})
    mode = optional(string, "ENFORCE")
  })
  default  = {}
  nullable = false
}

variable "image" {
  description = "Image of the server with a fixed tag or digest, and the ARN of its ECR repository."
  type = object({
    ecr_repository_arn = optional(string)
    uri                = string
  })
  nullable = false
}

variable "kms_key_arn" {
  description = "ARN of the customer key. Its policy must let CloudWatch Logs and EventBridge use it, besides the roles made here."
  type        = string
  nullable    = false
}

variable "lineage_lock" {
  description = "Object Lock of the lineage export: mode GOVERNANCE (special rights may shorten it), COMPLIANCE (nobody can delete before its end; try GOVERNANCE first) or NONE, and years."
  type = object({
    mode  = optional(string, "GOVERNANCE")
    years = optional(number, 7)
  })
  default  = {}
  nullable = false
}

variable "monitoring" {
  description = "Shares metrics, logs and traces with a monitoring account: ARN of its sink, which is made there first (modules/oam), and the label that tells accounts apart. null: shared with nobody."
  type = object({
    label_template = optional(string, "$AccountName")
    sink_arn       = string
  })
  default = null
}

variable "network" {
  description = "VPC and subnets of the server, security groups of the file systems by a fixed name, range that HTTPS may leave to."
  type = object({
    https_egress_cidr         = optional(string, "0.0.0.0/0")
    source_security_group_ids = map(string)
    subnet_ids                = set(string)
    vpc_id                    = string
  })
  nullable = false
}

variable "new_access_point" {
  description = "An S3 access point to create, when access_point is null: name, id of the volume, network_origin (internet, or the id of the only VPC that may call) and identity (UNIX or WINDOWS user of the SVM). All of it is for life; retained_on_destroy leaves it in place when the root is destroyed. The other rules: modules/s3-access-point."
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
}

variable "ontap" {
  description = "How functions reach ONTAP: addresses and port of its management endpoints, key of the secret with its credentials (null: the key that AWS manages), and how Secrets Manager is reached (modules/ontap-access)."
  type = object({
    management = object({
      addresses = set(string)
      port      = optional(number, 443)
    })
    secret_kms_key_arn = optional(string)
    secrets_endpoint = optional(object({
      create              = optional(bool, false)
      other_client_groups = optional(map(string), {})
      security_group_id   = optional(string)
    }), {})
  })
  nullable = false
}

variable "ontap_secret_arn" {
  description = "Full ARN of the secret with ONTAP's credentials (fsxn rotation trust --create makes it)."
  type        = string
  nullable    = false
}

variable "package_dir" {
  description = "Folder of the Lambda zips that make package-lambdas wrote."
  type        = string
  default     = "../../build/lambdas"
  nullable    = false
}

variable "partition" {
  description = "AWS partition of the account."
  type        = string
  default     = "aws"
  nullable    = false
}

variable "polling" {
  description = "The content inventory's polling, when trigger_mode is POLLING or HYBRID (module workload, polling): minutes between two runs, most messages of one run, whether the first pass takes the files that are there already."
  type = object({
    interval_minutes = optional(number, 5)
    max_messages     = optional(number, 10000)
    process_existing = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "records" {
  description = "The content inventory's lineage records (module workload, records): decisions outcomes or all, policy version, retention profile, template version."
  type = object({
    decisions           = optional(string, "outcomes")
    policy_version      = optional(string, "")
    retention_profile   = optional(string, "")
    uc_template_version = optional(string, "")
  })
  default  = {}
  nullable = false
}

variable "region" {
  description = "AWS Region of the file system."
  type        = string
  nullable    = false
}

variable "rotation" {
  description = "How ONTAP's password is rotated: whether FSx may set fsxadmin's (off, asked, automatic), by which way it is changed (account, own), whether the first apply changes it at once, and when it changes (modules/rotation)."
  type = object({
    fsx_recovery       = optional(string, "off")
    password_method    = optional(string, "account")
    rotate_immediately = optional(bool, true)
    schedule = optional(object({
      days         = optional(number, 90)
      duration     = optional(string)
      expression   = optional(string)
      overdue_days = optional(number)
    }), {})
  })
  default  = {}
  nullable = false
}

variable "scope" {
  description = "The content inventory's volume: junction path, names of SVMs and volumes, and optionally path prefixes and suffixes."
  type = object({
    junction_path = string
    prefixes      = optional(set(string), [])
    suffixes      = optional(set(string), [])
    svm_names     = set(string)
    volume_names  = set(string)
  })
  nullable = false
}

variable "server_ca_certificates" {
  description = "With server_tls: CA certificates (PEM) that the SVMs shall trust for the server's certificate."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "server_launch" {
  description = "Where ECS starts the FPolicy server: FARGATE, or EC2 on instances of yours, with fixed_addresses at their addresses (module fpolicy-ecs, launch)."
  type = object({
    fixed_addresses = optional(bool, false)
    type            = optional(string, "FARGATE")
  })
  default  = {}
  nullable = false
}

variable "server_spool" {
  description = "Disk of the FPolicy server for events that its memory cannot hold (module fpolicy-ecs, spool). By default the task's own disk, which bridges outages of the queue."
  type = object({
    efs = optional(object({
      access_point_id   = string
      file_system_id    = string
      security_group_id = string
    }))
    ephemeral_storage_gb = optional(number, 21)
    host_path            = optional(string)
    max_gb               = optional(number, 10)
  })
  default = {}
}

variable "server_tls" {
  description = "TLS between ONTAP and the server: secrets with certificate chain, key and client CA (module fpolicy-ecs, tls). There is no default: null, plain TCP within the VPC, is a decision to write down."
  type = object({
    certificate_secret_arn = string
    client_ca_secret_arn   = optional(string)
    key_secret_arn         = string
    kms_key_arn            = optional(string)
  })
}

variable "slo_targets" {
  description = "Changes to the default objectives, by objective (ingestion-latency, success-rate, reconnect-time, replay-completion): see modules/slo."
  type = map(object({
    objective_pct = optional(number)
    periods       = optional(number)
    threshold     = optional(number)
  }))
  default  = {}
  nullable = false
}

variable "svms" {
  description = "SVMs whose file operations are told, by a fixed name: name of the SVM, priority of the policy (1 to 10; the next free one when another policy has it), protocols, and what the Persistent Store must hold (module fpolicy-ecs knows more settings)."
  type = map(object({
    name      = string
    priority  = optional(number, 1)
    protocols = optional(set(string), ["cifs", "nfsv3", "nfsv4"])
    store = optional(object({
      events_per_second = optional(number, 100)
      outage_hours      = optional(number, 4)
    }), {})
  }))
  nullable = false
}

variable "trigger_mode" {
  description = "How the content inventory finds files: EVENT_DRIVEN, POLLING or HYBRID. Only the latter two see files written through the access point or by NFSv4.2 clients."
  type        = string
  default     = "EVENT_DRIVEN"
  nullable    = false
}

variable "vpc_endpoints" {
  description = "For a VPC without a way out such as a NAT gateway: the endpoints that its functions and the server need are made (made), less those that the VPC has already (existing), and the plan names a service that cannot be reached. route_table_ids are those of the subnets. An account pays about 7.30 USD a month for each interface endpoint and zone (modules/vpc-endpoints). null: there is a way out; nothing is made or checked."
  type = object({
    existing        = optional(set(string), [])
    made            = optional(bool, true)
    route_table_ids = optional(set(string), [])
  })
  default = null
}
