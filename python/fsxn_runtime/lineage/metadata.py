"""A record's free metadata as JSON text: every value is read back equal and of its own kind.

DynamoDB's numbers keep 38 digits and no kind: a float would be refused, a long integer too, and 0.1 would
come back as a Decimal that is not equal to it. Text has no such limits. Decimals, which JSON does not know,
are written as {"$decimal": "1.10"}; names that begin with $ are therefore not for use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fsxn_runtime.errors import RejectedError

# 16 KiB: sixteen write units, and as many in each of three indexes. More belongs into an object.
MAX_BYTES: Final = 16_384
MAX_DEPTH: Final = 8
# Python writes integers of up to 4,300 digits; nobody counts that far.
MAX_DIGITS: Final = 1_000
_MAX_BITS: Final = 3_321  # of an integer with MAX_DIGITS digits, rounded down
_DECIMAL: Final = "$decimal"


def to_text(metadata: Mapping[str, Any]) -> str:
    """Write metadata as JSON. Raises RejectedError that names the value that cannot be kept."""
    text = json.dumps(_marked(metadata, "metadata", 1), separators=(",", ":"))
    if len(text) > MAX_BYTES:
        raise RejectedError(
            f"metadata takes {len(text)} bytes as JSON; at most {MAX_BYTES} are kept: "
            "put more into an object and name that in output_keys",
            code="metadata_size",
        )
    return text


def from_text(text: str) -> dict[str, Any]:
    """Read what `to_text` wrote."""
    found: dict[str, Any] = json.loads(text, object_hook=_unmarked)
    return found


def _unmarked(found: dict[str, Any]) -> Any:
    return Decimal(found[_DECIMAL]) if found.keys() == {_DECIMAL} else found


def _marked(value: Any, where: str, depth: int) -> Any:
    """Give what JSON can hold; refuse what would not come back as it is."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return _number(value, where)
    if not isinstance(value, list | Mapping):
        raise _refused(
            where, f"is a {type(value).__name__}", "text, a number, true, false, None, a list or a mapping"
        )
    if depth > MAX_DEPTH:
        raise _refused(where, "is nested too deeply", f"at most {MAX_DEPTH} levels deep")
    if isinstance(value, list):
        return [_marked(each, f"{where}[{place}]", depth + 1) for place, each in enumerate(value)]
    for name in value:
        if not isinstance(name, str) or not name or name.startswith("$"):
            raise _refused(where, f"has the name {name!r}", "named by texts that do not begin with $")
    return {name: _marked(each, f"{where}.{name}", depth + 1) for name, each in value.items()}


def _number(value: int | float | Decimal, where: str) -> Any:
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise _refused(where, "is too long a number", f"of at most {MAX_DIGITS} digits")
        return int(value)
    if not (math.isfinite(value) if isinstance(value, float) else value.is_finite()):
        raise _refused(where, f"is {value}", "a finite number")
    return float(value) if isinstance(value, float) else {_DECIMAL: str(value)}


def _refused(where: str, what: str, allowed: str) -> RejectedError:
    return RejectedError(f"{where[:200]} {what[:200]}; it must be {allowed}", code="metadata_value")
