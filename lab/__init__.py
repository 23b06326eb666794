"""The laboratory: what lets the whole system run on one machine. Never shipped."""
