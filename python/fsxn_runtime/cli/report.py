"""`fsxn report`: one run as one HTML file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from fsxn_runtime.cli.console import Exit
from fsxn_runtime.errors import RejectedError
from fsxn_runtime.report import render


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `report`."""
    parser = subparsers.add_parser(
        "report",
        help="draw a run as one HTML file",
        description="Draw a run (JSON with a verification) as one HTML file that opens from disk.",
    )
    parser.add_argument("--run", dest="run_file", required=True, type=Path, help="the run, such as run.json")
    parser.add_argument("-o", "--output", required=True, type=Path, help="the HTML file to write")
    parser.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> Exit:
    try:
        data = json.loads(arguments.run_file.read_text(encoding="utf-8"))
        page = render(data)
        arguments.output.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise RejectedError(f"{exc.filename}: {exc.strerror}") from exc
    except ValueError as exc:
        raise RejectedError(f"{arguments.run_file} is not JSON: {exc}") from exc
    return Exit.OK
