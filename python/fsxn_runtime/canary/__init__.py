"""Health looked at from the right place: ONTAP from inside the VPC, S3 from where it is used."""
