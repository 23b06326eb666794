"""Count the inline skips of the policy scan, print each with its reason, and refuse more than the limit.

A skip is a finding that somebody accepted. Beyond a handful nobody reads them, so the next one must replace
one: share the resource (modules dynamodb-table, private-bucket, kms-key) or take the cause away. Standard
library only. Usage: python3 tools/checkov_skips.py [FOLDER]; exit status 1 above the limit, or for a skip
without a reason.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

REPOSITORY: Final = Path(__file__).resolve().parents[1]
LIMIT: Final = 15
# checkov knows three words for it, and takes several checks at once (checkov.common.comment).
SKIP: Final = re.compile(r"(?:bridgecrew|checkov|cortex):skip= *([\w,-]*)(?::[ \t]*(.*))?")


class Skip(NamedTuple):
    """One accepted finding."""

    place: str
    check: str
    reason: str


def skips(root: Path) -> Iterator[Skip]:
    """Every inline skip below modules and envs, by file and line."""
    for path in sorted(path for folder in ("modules", "envs") for path in (root / folder).rglob("*.tf")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for checks, reason in SKIP.findall(line):
                for check in checks.split(","):
                    yield Skip(f"{path.relative_to(root)}:{number}", check, reason.strip())


def main(arguments: list[str]) -> int:
    """Print the skips and their number."""
    found = list(skips(Path(arguments[0]) if arguments else REPOSITORY))
    for skip in found:
        print(f"  {skip.check} {skip.place}: {skip.reason or 'NO REASON'}")
    print(f"{len(found)} inline skips; at most {LIMIT}")
    without = [skip.place for skip in found if not skip.reason]
    if without:
        print(f"a skip needs a reason after a colon: {', '.join(without)}", file=sys.stderr)
    if len(found) > LIMIT:
        print(
            f"{len(found) - LIMIT} too many: take a cause away, or share the resource that needs the skip",
            file=sys.stderr,
        )
    return 1 if without or len(found) > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
