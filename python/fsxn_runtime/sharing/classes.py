"""The class of each field of a lineage record and of a file event, as `field_classes.json` says it.

Hashed means HMAC-SHA-256 under a key that stays in the account. Equal values have equal hashes whatever the
field, so that lineage can still be joined; without the key nobody can try out names. A plain hash would not
do: paths and addresses can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import pkgutil
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from fsxn_runtime.errors import RejectedError

# Bytes: as long as the hash itself (RFC 2104, section 3: shorter keys are weaker, longer ones not stronger).
MIN_KEY_BYTES: Final = 32
PREFIX: Final = "hmac-sha256-"


class FieldClass(StrEnum):
    """What becomes of a field whose value leaves the account."""

    AS_IS = "as_is"
    HASHED = "hashed"
    WITHHELD = "withheld"


def _load(kind: str) -> Mapping[str, FieldClass]:
    data = json.loads(pkgutil.get_data("fsxn_runtime.sharing", "field_classes.json") or b"")
    return MappingProxyType({name: FieldClass(entry["class"]) for name, entry in data[kind].items()})


LINEAGE_RECORD: Final = _load("lineage_record")
FILE_EVENT: Final = _load("file_event")


def for_outside(values: Mapping[str, Any], classes: Mapping[str, FieldClass], key: bytes) -> dict[str, Any]:
    """Give what may leave the account of a record or event; what has no class stays in it.

    None stays None and an empty text stays empty: that there was no value is not hidden. A hashed list has
    the hash of each of its values. Raises RejectedError for a key of less than 32 bytes.
    """
    if len(key) < MIN_KEY_BYTES:
        raise RejectedError(
            f"the hash key has {len(key)} bytes; it must have at least {MIN_KEY_BYTES}", code="wrong_hash_key"
        )
    outcome: dict[str, Any] = {}
    for name, value in values.items():
        match classes.get(name, FieldClass.WITHHELD):
            case FieldClass.AS_IS:
                outcome[name] = value
            case FieldClass.HASHED:
                outcome[name] = _hashed(value, key)
            case FieldClass.WITHHELD:
                continue
    return outcome


def _hashed(value: Any, key: bytes) -> Any:
    if value is None or value == "":
        return value
    if isinstance(value, list | tuple):
        return [_hashed(each, key) for each in value]
    # A name that is not valid Unicode is possible in an event that somebody else wrote.
    content = str(value).encode("utf-8", "surrogatepass")
    return PREFIX + hmac.new(key, content, hashlib.sha256).hexdigest()
