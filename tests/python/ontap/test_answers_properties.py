"""Whatever comes back, the caller gets a result or an ONTAP error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fsxn_runtime.errors import ConflictError, MisconfiguredError, RejectedError, TransientError
from fsxn_runtime.ontap import answers, error_codes
from fsxn_runtime.ontap.errors import OntapError, OntapOutcomeUnknownError
from fsxn_runtime.ontap.model import Answer, Request
from hypothesis import example, given
from hypothesis import strategies as st

GET, PATCH = Request("GET", "/api/cluster"), Request("PATCH", "/api/cluster", b"{}")

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "records", "_links", "next", "href", "job", "uuid", "state"]
            ),
            inner,
            max_size=4,
        ),
    ),
)
bodies = st.one_of(st.binary(), json_values.map(lambda value: json.dumps(value).encode()))


@given(request=st.sampled_from([GET, PATCH]), status=st.integers(100, 999), body=bodies)
@example(GET, 200, b"[" * 100_000)
@example(GET, 500, b'{"error": {"code": ' + b"9" * 10_000 + b"}}")
def test_any_answer_is_a_result_or_an_ontap_error(request: Request, status: int, body: bytes) -> None:
    try:
        data = answers.result(request, Answer(status, body), [])
        answers.job_of(data)
        answers.page_of(request, data)
    except OntapError as exc:
        assert isinstance(exc, RejectedError | ConflictError | TransientError | MisconfiguredError)
        assert len(str(exc)) < 1000
    else:
        assert status in (200, 201, 202)


@given(status=st.integers(500, 599), body=bodies)
def test_a_change_that_the_server_failed_over_is_never_called_undone(status: int, body: bytes) -> None:
    with pytest.raises(OntapOutcomeUnknownError):
        answers.result(PATCH, Answer(status, body), [])


@pytest.mark.parametrize("code", ["9764907", 9764907])
def test_a_code_is_the_same_as_text_and_as_number(code: Any) -> None:
    body = json.dumps({"error": {"message": "m", "code": code}}).encode()
    with pytest.raises(ConflictError) as caught:
        answers.result(PATCH, Answer(400, body), [])
    assert isinstance(caught.value, OntapError)
    assert (caught.value.ontap_code, caught.value.status) == ("9764907", 400)


def test_every_code_and_status_has_a_leaf_of_the_tree() -> None:
    for kind in {*error_codes.BY_CODE.values(), *error_codes.BY_STATUS.values()}:
        assert kind is not OntapError
        assert issubclass(kind, RejectedError | ConflictError | TransientError | MisconfiguredError)
        assert kind.default_code.startswith("ontap_")
    assert error_codes.BY_CODE.keys() >= error_codes.PARTIAL_CODES


@given(password=st.text(min_size=4, max_size=50), before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_password_that_ontap_repeats_is_not_shown(password: str, before: str, after: str) -> None:
    """ONTAP's messages name refused values: "x" is an invalid value for field "password"."""
    body = {"accounts": [{"name": "u", "password": password}]}
    message = f'{before}"{password}" is an invalid value for field "password"{after}'
    error = json.dumps({"error": {"message": message, "code": "262197"}}).encode()
    with pytest.raises(OntapError) as caught:
        answers.result(PATCH, Answer(400, error), answers.secrets_in(body))
    fixed = 'PATCH /api/cluster: HTTP 400, code 262197: " is an invalid value for field "password" ***'
    assert password in fixed or password not in str(caught.value)
