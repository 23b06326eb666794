resource "aws_lambda_function" "with_a_switch" {
  function_name = "switch"

  environment {
    variables = { ONTAP_VERIFY_TLS = "false" }
  }
}

resource "aws_lambda_function" "with_a_plain_endpoint" {
  function_name = "plain"

  environment {
    variables = { ENDPOINT = "http://10.0.0.1" }
  }
}

module "with_a_switch" {
  source      = "./somewhere"
  environment = { INSECURE_SKIP_TLS = "1" }
}

resource "aws_ecs_task_definition" "mounts_in_the_clear" {
  family                = "mounts"
  container_definitions = jsonencode([])

  volume {
    name = "spool"

    efs_volume_configuration {
      file_system_id = "fs-0123456789abcdef0"
    }
  }
}

resource "aws_ecs_task_definition" "with_a_switch" {
  family                = "switch"
  container_definitions = jsonencode([{ name = "server", environment = [{ name = "PYTHONHTTPSVERIFY", value = "0" }] }])
}

resource "aws_sns_topic_subscription" "http" {
  topic_arn = "arn:aws:sns:us-east-1:111122223333:topic"
  protocol  = "http"
  endpoint  = "example.com"
}

resource "aws_lb_listener" "tcp" {
  load_balancer_arn = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/net/a/b"
  protocol          = "TCP"
  port              = 443
}

resource "aws_s3_bucket" "open" {
  bucket = "open"
}
