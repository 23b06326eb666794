variable "config_force_destroy" {
  description = "Whether Terraform may delete the configuration bucket with the volume map in it."
  type        = bool
  default     = false
  nullable    = false
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

variable "desired_count" {
  description = "Tasks that run; 1 to 10. ONTAP spreads its notifications over all of them. With one, a crash takes longer than the reconnect objective: the next task must start first."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.desired_count >= 1 && var.desired_count <= 10 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be a whole number between 1 and 10."
  }
}

variable "diagnose" {
  description = "The function in the VPC that reads ONTAP for `fsxn diagnose`: its zip (diagnose.zip). It runs where the reconciler does, with the same secret."
  type        = object({ package_path = string })
  nullable    = false
}

variable "endpoints" {
  description = "AWS services whose endpoints the VPC has (module vpc-endpoints: services), by the names of the endpoints: s3, sqs, monitoring and so on. The plan names a service that is called from the VPC and is not among them. null: the VPC has another way out, such as a NAT gateway."
  type        = set(string)
  default     = null
}

variable "image" {
  description = "Container image with a fixed tag or digest, and the ARN of its ECR repository (null: a registry that needs no permission)."
  type = object({
    ecr_repository_arn = optional(string)
    uri                = string
  })
  nullable = false

  validation {
    condition     = can(regex("(:[^/:]+|@sha256:[0-9a-f]{64})$", var.image.uri)) && !endswith(var.image.uri, ":latest")
    error_message = "image.uri must end in a tag other than latest or in a digest, so that a deployment is repeatable."
  }
}

variable "ingestion_queue" {
  description = "The queue that takes the events (module event-router): ARN and URL."
  type = object({
    arn = string
    url = string
  })
  nullable = false
}

variable "launch" {
  description = "Where ECS starts the tasks: type FARGATE, or EC2, on instances of yours that have joined the cluster (output cluster_name). Each task has an address of its own, which changes with it; with fixed_addresses (EC2) it has its instance's, which must be in the instance's ECS attribute fpolicy.address and carry the output security_group_id: one task for each instance, and a deployment stops one before it starts the next. A change replaces the service."
  type = object({
    fixed_addresses = optional(bool, false)
    type            = optional(string, "FARGATE")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["EC2", "FARGATE"], var.launch.type)
    error_message = "launch.type must be FARGATE or EC2."
  }

  validation {
    condition     = var.launch.type == "EC2" || !var.launch.fixed_addresses
    error_message = "launch.fixed_addresses needs type EC2: Fargate gives each task a new address."
  }
}

variable "metric_catalogue" {
  description = "The product's metric catalogue, read by the root from python/fsxn_runtime/metric_catalogue.json."
  type        = object({ metrics = map(object({ statistic = string })) })
  nullable    = false
}

variable "network" {
  description = "Where the tasks run: VPC, subnets (one per zone, no public address is given), security groups of the file systems by a fixed name (nothing else may connect), and the range that HTTPS may leave to."
  type = object({
    https_egress_cidr         = optional(string, "0.0.0.0/0")
    source_security_group_ids = map(string)
    subnet_ids                = set(string)
    vpc_id                    = string
  })
  nullable = false

  validation {
    condition     = length(var.network.subnet_ids) > 0 && length(var.network.source_security_group_ids) > 0
    error_message = "network needs at least one subnet and one source security group."
  }

  validation {
    condition     = can(cidrhost(var.network.https_egress_cidr, 0))
    error_message = "network.https_egress_cidr must be an IPv4 range such as 10.0.0.0/16."
  }
}

variable "operations" {
  description = "How everything here is operated: topic that every alarm publishes to (module notifications), ARN of a customer key for what is stored (null: keys that AWS owns; which services its policy must admit: docs/howto/customer-key.md), lowest log level, days that logs are kept, namespace of the product's metrics, whether X-Ray traces."
  type = object({
    kms_key_arn            = optional(string)
    log_level              = optional(string, "INFO")
    log_retention_days     = optional(number, 365)
    metric_namespace       = optional(string, "FSxN-S3AP-Patterns")
    notification_topic_arn = string
    tracing_enabled        = optional(bool, true)
  })
  nullable = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.operations.log_level)
    error_message = "operations.log_level must be DEBUG, INFO, WARNING or ERROR."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.operations.log_retention_days)
    error_message = "operations.log_retention_days must be a period that CloudWatch Logs knows, such as 30, 90, 365 or 731."
  }

  validation {
    condition     = can(regex("^[0-9A-Za-z._/#-]{1,255}$", var.operations.metric_namespace)) && !startswith(var.operations.metric_namespace, "AWS/")
    error_message = "operations.metric_namespace must have 1 to 255 letters, digits, '.', '_', '/', '#', '-', and must not begin with AWS/."
  }
}

variable "quarantine_queue" {
  description = "The queue of what can never become an event (module event-router): ARN and URL."
  type = object({
    arn = string
    url = string
  })
  nullable = false
}

variable "reconciler" {
  description = "The function that keeps ONTAP pointed at the tasks: its zip (reconcile.zip), ARN of the secret with ONTAP's credentials, and of module ontap-access the policy that reads it, the security group of ONTAP's clients, and where its functions run. ca_certificates (PEM, each one certificate) are those that the SVMs shall trust for the server's TLS; list the old and the new one while the server's certificate changes. ca_certificate_type is what ONTAP calls them (client_ca, server_ca or root_ca)."
  type = object({
    ca_certificate_type = optional(string, "client_ca")
    ca_certificates     = optional(list(string), [])
    package_path        = string
    secret_arn          = string
    secret_policy       = string
    security_group_id   = string
    vpc = object({
      security_group_ids = set(string)
      subnet_ids         = set(string)
    })
  })
  nullable = false

  validation {
    condition     = contains(["client_ca", "root_ca", "server_ca"], var.reconciler.ca_certificate_type)
    error_message = "reconciler.ca_certificate_type must be client_ca, root_ca or server_ca."
  }

  validation {
    condition     = alltrue([for pem in var.reconciler.ca_certificates : can(regex("^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\\s*$", pem))])
    error_message = "reconciler.ca_certificates must each hold exactly one PEM certificate, and no key."
  }
}

variable "server_settings" {
  description = "Settings of the server; names, units and ranges as in fpolicy-server/README.md. Empty sets allow every policy and peer that the security group lets in. mode is that of the server and of the engines that svms makes: asynchronous, or synchronous, where clients wait for the answer and no store is possible; answer_deadline_ms and deny_rules are for synchronous policies. protobuf_field_map (JSON text) and protobuf_framing_mode (AUTO_DETECT, LENGTH_PREFIXED or FRAMELESS) are for engines whose format is protobuf, see docs/wire/protobuf.md; null: XML only. capture keeps the first bytes of each connection in captures/ on the spool's disk (needs spool; with efs a person can reach them); paths of your files are in them."
  type = object({
    allowed_peers      = optional(set(string), [])
    allowed_policies   = optional(set(string), [])
    answer_deadline_ms = optional(number, 5000)
    batch_linger_ms    = optional(number, 50)
    capture            = optional(bool, false)
    deny_rules = optional(list(object({
      answer = optional(number, 2)
      prefix = optional(string, "")
      suffix = optional(string, "")
    })), [])
    drain_idle_ms              = optional(number, 500)
    events_per_message         = optional(number, 1)
    handshake_timeout_seconds  = optional(number, 5)
    health_port                = optional(number, 9899)
    high_water_percent         = optional(number, 80)
    low_water_percent          = optional(number, 50)
    max_connections            = optional(number, 256)
    max_frame_bytes            = optional(number, 1048576)
    max_unacked_events         = optional(number, 10000)
    metrics_interval_seconds   = optional(number, 60)
    mode                       = optional(string, "asynchronous")
    path_root                  = optional(string, "volume")
    port                       = optional(number, 9898)
    protobuf_field_map         = optional(string)
    protobuf_framing_mode      = optional(string)
    read_timeout_seconds       = optional(number, 300)
    recv_buffer_bytes          = optional(number, 262144)
    shutdown_deadline_seconds  = optional(number, 100)
    volume_map_refresh_seconds = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for name, range in local._setting_ranges :
      var.server_settings[name] >= range.minimum && var.server_settings[name] <= range.maximum
    ])
    error_message = "server_settings out of range: ${join(", ", [
      for name, range in local._setting_ranges :
      "${name} is ${var.server_settings[name]}, allowed ${range.minimum} to ${range.maximum}"
      if var.server_settings[name] < range.minimum || var.server_settings[name] > range.maximum
    ])}."
  }

  validation {
    condition     = var.server_settings.low_water_percent < var.server_settings.high_water_percent
    error_message = "server_settings.low_water_percent must be below high_water_percent."
  }

  validation {
    condition     = var.server_settings.port != var.server_settings.health_port
    error_message = "server_settings.port and health_port must differ."
  }

  validation {
    condition     = contains(["asynchronous", "synchronous"], var.server_settings.mode)
    error_message = "server_settings.mode must be asynchronous or synchronous."
  }

  validation {
    condition     = var.server_settings.mode == "synchronous" || length(var.server_settings.deny_rules) == 0
    error_message = "server_settings.deny_rules needs mode synchronous: an asynchronous policy asks nobody."
  }

  validation {
    condition = length(var.server_settings.deny_rules) <= 100 && alltrue([
      for rule in var.server_settings.deny_rules :
      contains([2, 3, 4, 5, 6, 7], rule.answer) && "${rule.prefix}${rule.suffix}" != ""
    ])
    error_message = "server_settings.deny_rules must be at most 100 rules, each with a prefix or a suffix and an answer of 2 to 7."
  }

  validation {
    condition     = contains(["namespace", "volume"], var.server_settings.path_root)
    error_message = "server_settings.path_root must be volume or namespace."
  }

  validation {
    condition     = var.server_settings.protobuf_framing_mode == null ? true : contains(["AUTO_DETECT", "FRAMELESS", "LENGTH_PREFIXED"], var.server_settings.protobuf_framing_mode)
    error_message = "server_settings.protobuf_framing_mode must be AUTO_DETECT, FRAMELESS, LENGTH_PREFIXED or null."
  }

  # A task definition takes 64 KiB in all.
  validation {
    condition     = var.server_settings.protobuf_field_map == null ? true : can(keys(jsondecode(var.server_settings.protobuf_field_map))) && length(var.server_settings.protobuf_field_map) <= 32768
    error_message = "server_settings.protobuf_field_map must be a JSON object of at most 32768 characters (jsonencode(jsondecode(file(...))) takes the spaces out)."
  }

  validation {
    condition     = var.server_settings.protobuf_field_map == null || var.server_settings.protobuf_framing_mode != null
    error_message = "server_settings.protobuf_field_map needs protobuf_framing_mode: an engine whose format is protobuf sends no quoted frames."
  }
}

variable "spool" {
  description = "Disk for events that the server's memory cannot hold while the queue is slow or away, at most max_gb GiB for each task (1 to 1024). Without efs it is the task's own disk of ephemeral_storage_gb GiB (21 to 200): it bridges outages of the queue and dies with the task. With efs (file system, an access point whose POSIX user is 10001, security group of the mount targets) it outlives tasks, and running tasks deliver what a dead one left. With host_path (launch.type EC2), a folder of the instances that belongs to user 10001, it does so where that folder is: put it on a volume that outlives the instance. null: memory only."
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
  default = null

  validation {
    condition     = var.spool == null ? true : var.spool.max_gb >= 1 && var.spool.max_gb <= 1024 && floor(var.spool.max_gb) == var.spool.max_gb
    error_message = "spool.max_gb must be a whole number from 1 to 1024."
  }

  # What Fargate offers (ECS API reference, EphemeralStorage).
  validation {
    condition     = var.spool == null ? true : var.spool.ephemeral_storage_gb >= 21 && var.spool.ephemeral_storage_gb <= 200
    error_message = "spool.ephemeral_storage_gb must be between 21 and 200."
  }

  validation {
    condition     = var.spool != null || !var.server_settings.capture
    error_message = "spool must be set when server_settings.capture is true: the task has no other disk to write to."
  }

  validation {
    condition     = var.spool == null ? true : var.spool.efs == null || var.spool.host_path == null
    error_message = "spool: efs or host_path, not both; neither is the task's own disk."
  }

  validation {
    condition     = try(var.spool.host_path, null) == null ? true : can(regex("^(/[A-Za-z0-9._-]+){2,}$", var.spool.host_path)) && var.launch.type == "EC2"
    error_message = "spool.host_path must be an absolute path of two or more parts, such as /data/fpolicy, and needs launch.type EC2: Fargate has no host to keep it on."
  }

  validation {
    condition     = var.spool == null ? true : var.launch.type == "FARGATE" || var.spool.efs != null || var.spool.host_path != null
    error_message = "spool needs efs or host_path with launch.type EC2: an instance gives a task no disk of its own."
  }

  validation {
    condition     = var.spool == null ? true : var.spool.efs != null || var.spool.host_path != null || var.server_settings.mode == "asynchronous"
    error_message = "spool needs efs or host_path when server_settings.mode is synchronous: an answer says that the event is safe."
  }

  # The image, the write-ahead log and the logs of the runtime share the disk.
  validation {
    condition     = var.spool == null ? true : var.spool.efs != null || var.spool.host_path != null || var.spool.max_gb + 5 <= var.spool.ephemeral_storage_gb
    error_message = "spool.max_gb must leave 5 GiB of spool.ephemeral_storage_gb."
  }

  validation {
    condition = try(var.spool.efs, null) == null ? true : alltrue([
      can(regex("^fsap-[0-9a-f]{8,40}$", var.spool.efs.access_point_id)),
      can(regex("^fs-[0-9a-f]{8,40}$", var.spool.efs.file_system_id)),
      can(regex("^sg-[0-9a-f]{8,40}$", var.spool.efs.security_group_id)),
    ])
    error_message = "spool.efs needs the ids of an access point (fsap-...), a file system (fs-...) and a security group (sg-...)."
  }
}

variable "svms" {
  description = "SVMs whose file operations are told, by a fixed name: name of the SVM; policy_name (null: the prefix, with _ for -); enabled; priority 1 to 10 (the next free one when another policy has it); guard (a second policy stands in while the first is changed); protocols with the default events, or events of your own by name (protocol cifs, nfsv3 or nfsv4, operations, filters); scope; store, the Persistent Store that keeps what happens while no server is connected (volume that ONTAP makes for it, sized from events per second, hours of outage, bytes per event and safety factor; enabled = false: none); keep_store at destroy; keep_alive_seconds (10 to 600); client_certificate, what its nodes show the server with tls.client_ca_secret_arn: common name, serial number and CA of a certificate of type client that is on the SVM with its key already, as ONTAP shows them."
  type = map(object({
    client_certificate = optional(object({
      ca            = string
      name          = string
      serial_number = string
    }))
    enabled = optional(bool, true)
    events = optional(map(object({
      filters    = optional(set(string), [])
      operations = set(string)
      protocol   = string
    })))
    guard              = optional(bool, true)
    keep_alive_seconds = optional(number, 120)
    keep_store         = optional(bool, true)
    name               = string
    policy_name        = optional(string)
    priority           = optional(number, 1)
    protocols          = optional(set(string), ["cifs", "nfsv3", "nfsv4"])
    scope = optional(object({
      exclude_extensions = optional(set(string), ["crdownload", "part", "partial", "swp", "tmp"])
      exclude_volumes    = optional(set(string), [])
      include_extensions = optional(set(string), [])
      include_volumes    = optional(set(string), ["*"])
    }), {})
    store = optional(object({
      bytes_per_event   = optional(number, 640)
      enabled           = optional(bool, true)
      events_per_second = optional(number, 100)
      outage_hours      = optional(number, 4)
      safety_factor     = optional(number, 2)
      volume            = optional(string, "fsxn_s3ap_store")
    }), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for svm in var.svms : svm.policy_name == null || can(regex("^[A-Za-z0-9_.]{1,200}$", svm.policy_name))])
    error_message = "svms: policy_name must have 1 to 200 letters, digits, '_' and '.', as ONTAP takes them."
  }

  validation {
    condition     = alltrue([for svm in var.svms : svm.client_certificate == null || can(regex("^[0-9A-F]+$", svm.client_certificate.serial_number))])
    error_message = "svms: client_certificate.serial_number must be hexadecimal with capital letters, as ONTAP shows it."
  }

  validation {
    condition     = alltrue([for svm in var.svms : svm.priority >= 1 && svm.priority <= 10 && floor(svm.priority) == svm.priority])
    error_message = "svms: priority must be a whole number between 1 and 10."
  }

  validation {
    condition     = alltrue([for svm in var.svms : svm.keep_alive_seconds >= 10 && svm.keep_alive_seconds <= 600])
    error_message = "svms: keep_alive_seconds must be between 10 and 600."
  }

  validation {
    condition     = alltrue([for svm in var.svms : length(svm.protocols) > 0 && length(setsubtract(svm.protocols, ["cifs", "nfsv3", "nfsv4"])) == 0])
    error_message = "svms: protocols must be some of cifs, nfsv3, nfsv4; nfsv4 is 4.0 and 4.1, and ONTAP does not monitor 4.2."
  }

  validation {
    condition = alltrue(flatten([
      for svm in var.svms : [
        for event in coalesce(svm.events, {}) :
        contains(["cifs", "nfsv3", "nfsv4"], event.protocol) && length(event.operations) > 0
      ]
    ]))
    error_message = "svms: each event needs a protocol (cifs, nfsv3 or nfsv4) and at least one operation."
  }

  validation {
    condition     = alltrue([for svm in var.svms : svm.events == null || length(coalesce(svm.events, {})) > 0])
    error_message = "svms: events must name at least one event, or be null for the default ones."
  }

  validation {
    condition     = alltrue([for svm in var.svms : length(svm.scope.include_volumes) > 0])
    error_message = "svms: scope.include_volumes needs at least one volume or pattern, such as \"*\"."
  }

  validation {
    condition = alltrue([
      for svm in var.svms :
      svm.store.bytes_per_event >= 100 && svm.store.bytes_per_event <= 10000 &&
      svm.store.events_per_second > 0 && svm.store.events_per_second <= 100000 &&
      svm.store.outage_hours > 0 && svm.store.outage_hours <= 720 &&
      svm.store.safety_factor >= 1 && svm.store.safety_factor <= 10
    ])
    error_message = "svms: store takes bytes_per_event 100 to 10000, events_per_second up to 100000, outage_hours up to 720, safety_factor 1 to 10."
  }

  validation {
    condition     = alltrue([for svm in var.svms : can(regex("^[A-Za-z_][A-Za-z0-9_]{0,202}$", svm.store.volume))])
    error_message = "svms: store.volume must have letters, digits and '_', and not begin with a digit, as ONTAP takes them."
  }

  validation {
    condition     = length(distinct([for svm in var.svms : svm.name])) == length(var.svms)
    error_message = "svms: each SVM may be named once; one Persistent Store and one set of objects belong to it."
  }
}

variable "task" {
  description = "Task: CPU units and memory in MB (a pair that Fargate knows, with launch.type EC2, too), architecture ARM64 or X86_64 (as the image was built), seconds between SIGTERM and SIGKILL (2 to 120)."
  type = object({
    architecture         = optional(string, "ARM64")
    cpu_units            = optional(number, 512)
    memory_mb            = optional(number, 1024)
    stop_timeout_seconds = optional(number, 120)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["ARM64", "X86_64"], var.task.architecture)
    error_message = "task.architecture must be ARM64 or X86_64."
  }

  # The sizes of Fargate (ECS API reference, RunTask): smallest and largest memory and its step, by CPU units.
  validation {
    condition = contains(lookup({
      256  = [512, 1024, 2048]
      512  = range(1024, 4097, 1024)
      1024 = range(2048, 8193, 1024)
      2048 = range(4096, 16385, 1024)
      4096 = range(8192, 30721, 1024)
    }, var.task.cpu_units, []), var.task.memory_mb)
    error_message = "task.cpu_units and task.memory_mb must be a pair that Fargate offers, such as 512 and 1024."
  }

  validation {
    condition     = var.task.stop_timeout_seconds >= 2 && var.task.stop_timeout_seconds <= 120
    error_message = "task.stop_timeout_seconds must be between 2 and 120."
  }
}

variable "tls" {
  description = "TLS between ONTAP and the server: secrets (full ARNs) that hold as PEM text the certificate chain, its key without a password, and the CA whose clients may connect (then each of svms needs its client_certificate; null: ONTAP shows no certificate), and the customer key that encrypts them (null: the key that AWS manages). ECS reads them when a task starts. null: plain TCP."
  type = object({
    certificate_secret_arn = string
    client_ca_secret_arn   = optional(string)
    key_secret_arn         = string
    kms_key_arn            = optional(string)
  })
  default = null

  validation {
    condition = var.tls == null ? true : alltrue([
      for arn in compact([var.tls.certificate_secret_arn, var.tls.client_ca_secret_arn, var.tls.key_secret_arn]) :
      can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:[^*?]+-[A-Za-z0-9]{6}$", arn))
    ])
    error_message = "tls needs the full ARNs of secrets, which end in a hyphen and six letters or digits."
  }
}
