"""One file per AWS service: the records of its resource types."""
