"""Hypothesis profiles and the few fixtures that every folder may use.

`HYPOTHESIS_PROFILE` chooses: `fast` (what `make test` runs), `default` (ten times more), `nightly` (long,
prints how to repeat a failure).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: on a shared two-core machine the time of one example says nothing about the code.
settings.register_profile(
    "fast", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("default", settings.get_profile("fast"), max_examples=300)
settings.register_profile("nightly", settings.get_profile("fast"), max_examples=10_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


def pytest_configure() -> None:
    """Keep a developer's own credentials, region and endpoint out of every test."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
    )
