"""What an answer means: its JSON, or the error that it stands for. Pure.

Source: ONTAP REST reference 4. Messages are for people and change between releases: status and code decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fsxn_runtime.ontap import errors
from fsxn_runtime.ontap.error_codes import BY_CODE, BY_STATUS
from fsxn_runtime.ontap.model import Answer, Request

Json = dict[str, Any]

RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})  # the vendor client's list (4)
_MAX_MESSAGE: Final = 500  # characters of ONTAP's message in ours
_SECRET_NAMES: Final = ("password", "passphrase", "private_key", "secret")


def result(request: Request, answer: Answer, secrets: Iterable[str]) -> Json:
    """Give the JSON object of a success. Raises the OntapError that anything else means.

    secrets: what must not stand in a message, though ONTAP may repeat it in its own.
    """
    data = _parse(answer.body)
    if answer.status in (200, 201, 202):
        if data is None:
            raise _bad_answer(request, "is no JSON object")
        return data
    raise failure(request, answer.status, (data or {}).get("error"), secrets)


def failure(request: Request, status: int, error: object, secrets: Iterable[str]) -> errors.OntapError:
    """Map an error body (or a job's) to its branch. `status` is 0 for a job."""
    body: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    code = _code(body.get("code"))
    message = redact(str(body.get("message", "no message")), secrets)[:_MAX_MESSAGE]
    what = f"HTTP {status}" if status else "its job failed"
    text = f"{request}: {what}, code {code or 'none'}: {message}"
    if request.is_change and status >= 500:
        kind: type[errors.OntapError] = errors.OntapOutcomeUnknownError
    else:
        kind = BY_CODE.get(code) or BY_STATUS.get(status) or _by_class(status)
    return kind(text, status=status, ontap_code=code)


def job_of(data: Mapping[str, Any]) -> str:
    """Give the UUID of the job that an answer names; "" without one."""
    job = data.get("job")
    uuid = job.get("uuid") if isinstance(job, Mapping) else None
    return uuid if isinstance(uuid, str) else ""


def page_of(request: Request, data: Mapping[str, Any]) -> tuple[list[Json], str]:
    """Give a page's records and the path of the next page, "" on the last one (ONTAP REST reference 5).

    A page may be short or empty and still have a next one. Raises OntapTransientError for what is no page.
    """
    records = data.get("records", [] if data.keys() <= {"num_records", "_links"} else None)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise _bad_answer(request, "has no list of records")
    return records, next_page(request, data)


def next_page(request: Request, data: Mapping[str, Any]) -> str:
    """Give the path of the next page; "" without one. A change of many records may have one too (3).

    Credentials go wherever it leads, so one outside of /api/ is no answer.
    """
    found: object = data
    for name in ("_links", "next", "href"):
        found = found.get(name, "") if isinstance(found, Mapping) else ""
    if not isinstance(found, str) or (found and not found.startswith("/api/")):
        raise _bad_answer(request, f"names a next page outside of /api/: {str(found)[:200]!r}")
    return found


def secrets_in(body: object) -> Iterable[str]:
    """Yield the values of a request's body that must not be shown, whatever it is nested in."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            if isinstance(value, str) and any(word in str(name).lower() for word in _SECRET_NAMES):
                yield value
            else:
                yield from secrets_in(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from secrets_in(value)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Take secrets out of a text."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text


def _parse(body: bytes) -> Json | None:
    if not body:
        return {}
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _code(value: object) -> str:
    """Give ONTAP's code as text: answers have it as a string, jobs as a number (reference 4.1)."""
    is_code = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value)[:20] if is_code else ""


def _by_class(status: int) -> type[errors.OntapError]:
    """Give the error of a status that no table names."""
    if status >= 500:
        return errors.OntapTransientError
    if status == 0 or 400 <= status < 500:
        return errors.OntapRejectedError
    return errors.OntapMisconfiguredError  # a redirection, say: whoever answers, it is not ONTAP


def _bad_answer(request: Request, why: str) -> errors.OntapError:
    if request.is_change:
        return errors.OntapOutcomeUnknownError(f"{request}: the answer {why}; look before asking again")
    return errors.OntapTransientError(f"{request}: the answer {why}", code="ontap_bad_answer")
