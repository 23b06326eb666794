"""The `fsxn` command."""
