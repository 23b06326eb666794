"""Parcels for the delivery's tests."""

from __future__ import annotations

from fpolicy_server.delivery import Fate, Parcel


def parcel(
    name: str, ended: dict[str, list[Fate]] | None = None, *, size: int = 0, payload: bytes = b"wire"
) -> Parcel:
    """A parcel that notes each of its ends under its name. `size` is that of its body, at least 12 bytes."""

    def on_end(fate: Fate, _reason: str) -> None:
        if ended is not None:
            ended.setdefault(name, []).append(fate)

    body = b'{"n":"' + name.encode() + b'"}'
    body += b" " * (size - len(body))
    return Parcel(id=name, event_type="FILE_CREATE", body=body, payload=payload, on_end=on_end)
