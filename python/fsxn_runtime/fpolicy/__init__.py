"""FPolicy: keeping ONTAP pointed at the servers that run."""
