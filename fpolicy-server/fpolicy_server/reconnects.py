"""What is still due to nodes whose connection broke, until they are back or their session is over. Pure."""

from __future__ import annotations

from typing import Final

from fpolicy_server.wire import Handshake, Requests

# A node that is back within its session timeout uses the same session id; ONTAP's default is 10 s and the
# engine's value is not on the wire (docs/wire/synchronous.md).
SESSION_SECONDS: Final = 10.0


class Reconnects:
    """Unanswered requests by SVM, policy and session id. Times are seconds of any monotonic clock.

    Holds nothing for longer than the session timeout, and only sessions with at least one request that was
    not answered; those are within the bound of events in memory.
    """

    def __init__(self) -> None:
        self._left: dict[tuple[str, str, str], tuple[float, Requests]] = {}

    def leave(self, handshake: Handshake, requests: Requests, now: float) -> None:
        """Keep what a broken connection still owes."""
        self._forget_old(now)
        requests.on_answer = None
        if not requests.is_empty:
            self._left[_key(handshake)] = now, requests

    def claim(self, handshake: Handshake, now: float) -> Requests | None:
        """Give what is due to this session, once."""
        self._forget_old(now)
        left = self._left.pop(_key(handshake), None)
        return None if left is None else left[1]

    def _forget_old(self, now: float) -> None:
        for key in [key for key, (at, _) in self._left.items() if now - at > SESSION_SECONDS]:
            del self._left[key]


def _key(handshake: Handshake) -> tuple[str, str, str]:
    return handshake.svm_uuid, handshake.policy_name, handshake.session_id
