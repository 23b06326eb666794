"""Entry point of `fsxn`: groups of commands, one error line, four exit statuses.

A group is a module with `register(subparsers)`; each of its commands sets `run`, a function that takes the
parsed arguments and returns an `Exit`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from fsxn_runtime.cli import (
    cost,
    diagnose,
    events,
    expansion,
    forecast,
    fpolicy,
    guardrails,
    lineage,
    report,
    rotation,
    slo,
)
from fsxn_runtime.cli.console import Exit, exit_of
from fsxn_runtime.errors import FsxnError

GROUPS = (cost, diagnose, events, expansion, forecast, fpolicy, guardrails, lineage, report, rotation, slo)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser with every group's commands."""
    parser = argparse.ArgumentParser(
        prog="fsxn",
        description="Operate the event-driven platform for Amazon FSx for NetApp ONTAP.",
        epilog="Exit status: 0 ok, 1 finding, 2 wrong use or setting, 3 cannot reach. "
        "AWS region, credentials and AWS_ENDPOINT_URL are read as by every AWS tool.",
    )
    subparsers = parser.add_subparsers(title="groups", metavar="GROUP", required=True)
    for group in GROUPS:
        group.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit status. Never shows a traceback for an error raised on purpose."""
    arguments = build_parser().parse_args(argv)
    run: Callable[[argparse.Namespace], Exit] = arguments.run
    try:
        status = run(arguments)
        sys.stdout.flush()
    except FsxnError as exc:
        sys.stderr.write(f"fsxn: {exc}\n")
        return exit_of(exc)
    except BrokenPipeError:
        # The reader (head, less) went away. Give Python's exit something that it can flush into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells report it
    return status


if __name__ == "__main__":
    sys.exit(main())
