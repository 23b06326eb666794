"""Chaos: the whole laboratory under a mix of faults drawn from a seed, then the account. `make chaos`."""
