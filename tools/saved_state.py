"""Keep the state of today's production root, so that later changes can be planned on it.

`python tools/saved_state.py NAME` writes tests/data/terraform/states/NAME.tfstate.xz: what Terraform's state
holds after an apply of envs/production with its example, evaluated without any AWS. Do it for each release,
and name the release or the commit.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # started as a script, only tools/ is on the path

from tools.terraform_inventory import evaluate, variables_of  # noqa: E402 - after the path is set

ROOT = "production"
STATES = REPOSITORY / "tests/data/terraform/states"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


def packed(text: str, build_dir: Path) -> bytes:
    """A state file without what only one machine or one run has: paths, checks, outputs, lineage."""
    state = json.loads(text.replace(str(build_dir.resolve()), "build"))
    state |= {"check_results": None, "lineage": "00000000-0000-0000-0000-000000000000", "outputs": {}}
    compact = json.dumps(state, sort_keys=True, separators=(",", ":"))
    return lzma.compress(compact.encode(), preset=9 | lzma.PRESET_EXTREME)


def unpacked(saved: Path) -> str:
    """The text of a state that was kept."""
    return lzma.decompress(saved.read_bytes()).decode()


def main(arguments: list[str]) -> int:
    """Write one state; 2 for a name that is none."""
    if len(arguments) != 1 or not NAME.fullmatch(arguments[0]):
        print("saved_state: give one name of lower-case letters, digits, '.' and '-'", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        evaluate(REPOSITORY / "envs" / ROOT, build, variables_of(ROOT))
        content = packed((build / "terraform.tfstate").read_text(), build)
    target = STATES / f"{arguments[0]}.tfstate.xz"
    target.write_bytes(content)
    print(f"{target.relative_to(REPOSITORY)}: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
