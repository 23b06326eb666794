"""Accepted findings stay few, and each says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.checkov_skips import LIMIT, main, skips


def terraform(root: Path, *comments: str) -> None:
    folder = root / "modules/one"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text("\n".join(["resource {", *comments, "}"]))


def test_the_repository_keeps_to_the_limit() -> None:
    assert main([]) == 0


def test_one_more_than_the_limit_fails_with_the_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform(tmp_path, *[f"  # checkov:skip=CKV_AWS_{n}:because" for n in range(LIMIT + 1)])
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert f"{LIMIT + 1} inline skips; at most {LIMIT}" in printed.out
    assert printed.err.startswith("1 too many")
    terraform(tmp_path, *[f"  # checkov:skip=CKV_AWS_{n}:because" for n in range(LIMIT)])
    assert main([str(tmp_path)]) == 0


@pytest.mark.parametrize("comment", ["# checkov:skip=CKV_AWS_1", "# checkov:skip=CKV_AWS_1: "])
def test_a_skip_without_a_reason_fails_with_its_place(
    comment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terraform(tmp_path, f"  {comment}")
    assert main([str(tmp_path)]) == 1
    assert "modules/one/main.tf:2" in capsys.readouterr().err


def test_everything_that_checkov_takes_for_a_skip_counts(tmp_path: Path) -> None:
    """Three words, and several checks in one comment."""
    skipped = [
        "bridgecrew:skip=CKV_AWS_1:why",
        "checkov:skip=CKV_AWS_2,CKV_AWS_3:why",
        "cortex:skip=CKV_AWS_4:why",
    ]
    terraform(tmp_path, *[f"  # {comment}" for comment in skipped])
    assert [skip.check for skip in skips(tmp_path)] == [f"CKV_AWS_{number}" for number in range(1, 5)]
