"""What the services share: errors of boto3 as ours, tags in both forms, names made up, blocks as dicts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lab.aws_provider.errors import NotFoundError, ProviderError
from lab.aws_provider.values import UNKNOWN, Object

Tags = Mapping[str, str]


@contextmanager
def absent(*codes: str) -> Iterator[None]:
    """Turn boto3 errors with one of the codes (or parts of the message) into NotFoundError."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        if details.get("Code") in codes or any(
            " " in code and code in details.get("Message", "") for code in codes
        ):
            raise NotFoundError(str(error)) from error
        raise


def must_be_new(look: Callable[[], object], what: str) -> None:
    """Raise ProviderError when the object exists: AWS would overwrite or silently share it.

    `look` reads the object and raises NotFoundError when there is none.
    """
    try:
        look()
    except NotFoundError:
        return
    raise ProviderError(f"{what} exists already and is not in the state: import it or choose another name")


def made_name(values: Object, attribute: str = "name") -> str:
    """The configured name, or one made from `<attribute>_prefix`: unique, ordered by time."""
    if values.get(attribute):
        return str(values[attribute])
    prefix = values.get(f"{attribute}_prefix") or "terraform-"
    return f"{prefix}{time.strftime('%Y%m%d%H%M%S', time.gmtime())}{secrets.token_hex(4)}"


def set_only(**arguments: Any) -> dict[str, Any]:
    """The arguments that have a value: boto3 refuses None."""
    return {name: value for name, value in arguments.items() if value is not None}


def undecided(config: Object, *names: str) -> bool:
    """Whether one of the arguments is not known yet, so that a rule across them cannot be checked."""
    return any(config.get(name) is UNKNOWN for name in names)


def one(blocks: list[Object] | None) -> Object:
    """The only block of a kind, or an empty one."""
    return blocks[0] if blocks else {}


def tag_list(tags: Tags | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted((tags or {}).items())]


def tag_map(
    tags: Iterable[Mapping[str, str]] | None, key: str = "Key", value: str = "Value"
) -> dict[str, str]:
    """Reported tags without AWS's own."""
    found = {tag[key]: tag[value] for tag in tags or []}
    return {name: text for name, text in found.items() if not name.startswith("aws:")}


def change_tags(
    wanted: Tags | None,
    reported: Tags,
    put: Callable[[dict[str, str]], object],
    drop: Callable[[list[str]], object],
) -> None:
    """Bring an object's tags to what is wanted with as few calls as possible."""
    wanted = wanted or {}
    gone = sorted(set(reported) - set(wanted))
    fresh = {name: text for name, text in wanted.items() if reported.get(name) != text}
    if gone:
        drop(gone)
    if fresh:
        put(fresh)
