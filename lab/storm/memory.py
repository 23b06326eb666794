"""How much memory a process held at most."""

from __future__ import annotations

from pathlib import Path


def peak_mib(pid: int) -> float:
    """Give the largest resident set of a running process so far, in MiB (VmHWM, proc(5)).

    Raises OSError when it is gone.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) / 1024
    raise OSError(f"/proc/{pid}/status has no VmHWM")
