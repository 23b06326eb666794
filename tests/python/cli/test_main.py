"""The command's frame: help, exit statuses, one line for an error."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest
from fsxn_runtime.cli import main as module
from fsxn_runtime.cli.console import Exit, exit_of
from fsxn_runtime.cli.main import build_parser, main
from fsxn_runtime.errors import ConflictError, MisconfiguredError, RejectedError, TransientError


def commands(parser, path=()):
    """Every group and command of a parser."""
    yield path
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from commands(child, (*path, name))


@pytest.mark.parametrize("path", list(commands(build_parser())), ids=" ".join)
def test_every_group_and_command_has_help(path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*path, "--help"])
    assert caught.value.code == 0
    assert "usage: fsxn" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["lineage"], ["nothing"], ["lineage", "show"]])
def test_wrong_use_is_status_2(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("fsxn")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RejectedError("x"), Exit.WRONG_USE),
        (MisconfiguredError("x"), Exit.WRONG_USE),
        (MisconfiguredError("x", code="aws_denied"), Exit.UNREACHABLE),
        (MisconfiguredError("x", code="aws_identity"), Exit.UNREACHABLE),
        (TransientError("x"), Exit.UNREACHABLE),
        (ConflictError("x"), Exit.UNREACHABLE),
    ],
)
def test_an_error_is_one_line_and_its_status(error, status, monkeypatch, capsys):
    def fail(_):
        raise error

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=fail)
    monkeypatch.setattr(module, "build_parser", lambda: parser)
    assert main([]) == status == exit_of(error)
    assert capsys.readouterr().err == "fsxn: x\n"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), None])
def test_an_interruption_is_told_by_the_status(interruption, monkeypatch):
    def run(_):
        if interruption:
            raise interruption
        return Exit.FINDING

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=run)
    monkeypatch.setattr(module, "build_parser", lambda: parser)
    assert main([]) == (130 if interruption else 1)


def test_a_reader_that_goes_away_is_no_error():
    """`fsxn ... | head -0`: the reading end is closed before anything is written."""
    read, write = os.pipe()
    os.close(read)
    code = (
        "import sys; from fsxn_runtime.cli import main as m; import argparse\n"
        "p = argparse.ArgumentParser(); p.set_defaults(run=lambda _: print('x' * 100_000) or 0)\n"
        "m.build_parser = lambda: p; sys.exit(m.main([]))"
    )
    found = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (found.returncode, found.stderr) == (0, b"")
