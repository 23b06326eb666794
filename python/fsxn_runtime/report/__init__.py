"""Proof and report of one run: what the storage did against what arrived, and one page that shows it."""
