resource "aws_vpc_security_group_ingress_rule" "from_a_group" {
  security_group_id            = "sg-0123456789abcdef0"
  referenced_security_group_id = "sg-0fedcba9876543210"
  ip_protocol                  = "tcp"
  from_port                    = 9898
  to_port                      = 9898
}

resource "aws_vpc_security_group_ingress_rule" "addresses_to_another_port" {
  security_group_id = "sg-0123456789abcdef0"
  cidr_ipv4         = "10.0.0.0/16"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group_rule" "egress" {
  type              = "egress"
  security_group_id = "sg-0123456789abcdef0"
  cidr_blocks       = ["10.0.0.0/16"]
  protocol          = "-1"
  from_port         = 0
  to_port           = 65535
}
