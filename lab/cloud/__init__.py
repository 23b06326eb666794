"""Local AWS for tests and the demo: the emulator and the few things that it only pretends.

See README.md in this folder for what is real here, what is added, and what stays unproven.
"""
