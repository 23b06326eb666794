variable "port" {
  type = number
}

resource "aws_vpc_security_group_ingress_rule" "from_addresses" {
  security_group_id = "sg-0123456789abcdef0"
  cidr_ipv4         = "10.0.0.0/16"
  ip_protocol       = "tcp"
  from_port         = 9898
  to_port           = 9898
}

resource "aws_vpc_security_group_ingress_rule" "to_a_port_that_is_not_known" {
  security_group_id = "sg-0123456789abcdef0"
  cidr_ipv6         = "fd00::/8"
  ip_protocol       = "tcp"
  from_port         = var.port
  to_port           = var.port
}

resource "aws_security_group_rule" "range_around_the_port" {
  type              = "ingress"
  security_group_id = "sg-0123456789abcdef0"
  prefix_list_ids   = ["pl-0123456789abcdef0"]
  protocol          = "tcp"
  from_port         = 9000
  to_port           = 10000
}

resource "aws_security_group" "every_protocol" {
  name = "every"

  ingress {
    cidr_blocks = ["10.0.0.0/16"]
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
  }
}
