"""Fixtures of the command line's tests."""

from __future__ import annotations

from tests.support.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]
