"""Clients are shared, and no call of theirs can wait for ever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fsxn_runtime.edge import clients


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    clients.forget_clients()
    yield
    clients.forget_clients()


def test_a_service_has_one_client() -> None:
    assert clients.client("sqs") is clients.client("sqs")
    assert clients.client("sqs") is not clients.client("events")


def test_every_call_has_time_limits_and_a_bounded_number_of_tries() -> None:
    config = clients.client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 3


def test_what_accompanies_the_work_is_tried_once_and_briefly() -> None:
    brief = clients.client("sns", is_brief=True)
    assert brief is not clients.client("sns")
    config = brief.meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 3)
    assert config.retries["total_max_attempts"] == 1


def test_what_waits_for_a_function_is_tried_once_and_outwaits_it() -> None:
    patient = clients.client("lambda", is_patient=True)
    assert patient is not clients.client("lambda")
    config = patient.meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 370)
    assert config.retries["total_max_attempts"] == 1


def test_the_endpoint_of_the_environment_is_used_with_path_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    s3 = clients.client("s3")
    assert s3.meta.endpoint_url == "http://127.0.0.1:4566"
    assert s3.meta.config.s3["addressing_style"] == "path"


def test_without_an_endpoint_s3_chooses_its_own_style() -> None:
    assert clients.client("s3").meta.config.s3["addressing_style"] == "auto"
