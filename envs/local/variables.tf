variable "access_point" {
  description = "The S3 face of the simulated volume: alias and ARN of its access point."
  type = object({
    alias = string
    arn   = string
  })
  nullable = false
}

variable "account_id" {
  description = "The emulator's account."
  type        = string
  default     = "000000000000"
  nullable    = false
}

variable "desired_count" {
  description = "Server tasks that run."
  type        = number
  default     = 1
  nullable    = false
}

variable "file_system_id" {
  description = "The simulated file system, whose capacity is forecast and grows."
  type        = string
  default     = "fs-0123456789abcdef0"
  nullable    = false
}

variable "file_system_sizes_gb" {
  description = "SSD capacity in GiB of the file systems that may grow, by a fixed name: a plan warns when a step of 10 %, the least that FSx takes, is above the guardrail's daily cap."
  type        = map(number)
  default     = {}
  nullable    = false
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

variable "image_uri" {
  description = "Image of the server; the laboratory runs the command of this image from the virtual environment."
  type        = string
  default     = "fsxn-fpolicy-server:local"
  nullable    = false
}

variable "junction_path" {
  description = "Where the simulated volume is mounted."
  type        = string
  default     = "/vol1"
  nullable    = false
}

variable "lineage_export_since" {
  description = "First hour of the lineage export; empty: that of its first run."
  type        = string
  default     = ""
  nullable    = false
}

variable "ontap_management" {
  description = "The simulated management endpoint: addresses and port."
  type = object({
    addresses = set(string)
    port      = number
  })
  nullable = false
}

variable "ontap_secret_arn" {
  description = "ARN of the secret with the simulated ONTAP's credentials."
  type        = string
  nullable    = false
}

variable "package_dir" {
  description = "Folder of the Lambda zips; null: build/lambdas."
  type        = string
  default     = null
}

variable "region" {
  description = "The emulator's region."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "settle_seconds" {
  description = "How long a file must have been left alone, in seconds."
  type        = number
  default     = 2
  nullable    = false
}

variable "source_security_group_id" {
  description = "Security group that stands for the file system's."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets of the server tasks."
  type        = set(string)
  nullable    = false
}

variable "svm_name" {
  description = "Name of the simulated SVM."
  type        = string
  nullable    = false
}

variable "volume_name" {
  description = "Name of the simulated volume."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "VPC of the server tasks."
  type        = string
  nullable    = false
}
