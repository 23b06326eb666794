"""Fuzzing: broken input at everything that reads what others sent. `make fuzz [TARGET=wire] SECONDS=60`."""
