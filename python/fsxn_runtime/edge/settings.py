"""Small readers for `Settings.from_env`. Each raises MisconfiguredError with the value seen and allowed.

An empty value counts as not set: Terraform and ECS cannot leave a name out as easily as leave it empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fsxn_runtime.edge.log import LEVELS
from fsxn_runtime.errors import MisconfiguredError


def text(env: Mapping[str, str], name: str, default: str | None = None) -> str:
    """Read a text. Without a default the name must be set."""
    value = env.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise MisconfiguredError(f"{name} is not set; it must have a value", code="missing_setting")
    return default


def integer(
    env: Mapping[str, str],
    name: str,
    default: int | None = None,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
) -> int:
    """Read a whole number within the bounds, both included."""
    value = text(env, name, None if default is None else str(default))
    allowed = "a whole number"
    if minimum is not None:
        allowed += f" from {minimum}"
    if maximum is not None:
        allowed += f" to {maximum}"
    try:
        number = int(value)
    except ValueError:
        raise _wrong(name, value, allowed) from None
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise _wrong(name, value, allowed)
    return number


def choice(env: Mapping[str, str], name: str, allowed: Sequence[str], default: str | None = None) -> str:
    """Read one of a few words, exactly as written in `allowed`."""
    value = text(env, name, default)
    if value not in allowed:
        raise _wrong(name, value, " or ".join(allowed))
    return value


def metric_namespace(env: Mapping[str, str]) -> str:
    """Read METRIC_NAMESPACE."""
    return text(env, "METRIC_NAMESPACE", "FSxN-S3AP-Patterns")


def log_level(env: Mapping[str, str]) -> str:
    """Read LOG_LEVEL."""
    return choice(env, "LOG_LEVEL", tuple(LEVELS), "INFO")


def _wrong(name: str, value: str, allowed: str) -> MisconfiguredError:
    return MisconfiguredError(f"{name} is {value!r}; it must be {allowed}", code="wrong_setting")
