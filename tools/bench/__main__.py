"""Measure, print tables, write build/bench.json and build/bench.html (`python -m tools.bench [PART ...]`).

Exit status 1 when something is not as it must be on any machine, or a budget is exceeded. Rates are printed
beside those of something simpler in the same run, because a rate alone says as much of the machine as of the
code.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.bench import (
    demo,
    functions,
    guardrails,
    lineage,
    page,
    parse,
    router,
    server,
    terraform,
    workload,
)

OUTPUT: Final = Path(__file__).resolve().parents[2] / "build" / "bench.json"
PARTS: Final = {
    "server": server,
    "parse": parse,
    "router": router,
    "functions": functions,
    "guardrails": guardrails,
    "lineage": lineage,
    "workload": workload,
    "terraform": terraform,
    "demo": demo,
}


def main() -> int:
    """Run the parts that were named, or all."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=", ".join(PARTS))
    wanted = parser.parse_args().parts or list(PARTS)
    found = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    wrong: list[str] = []
    for name in wanted:
        print(f"measuring {name}", file=sys.stderr)
        found[name] = PARTS[name].measure()
        wrong += PARTS[name].failures(found[name])
        for line in PARTS[name].table(found[name]):
            print(line)
    OUTPUT.parent.mkdir(exist_ok=True)
    kept = {name: found[name] for name in PARTS if name in found}
    OUTPUT.write_text(json.dumps(kept, indent=2) + "\n")
    drawn = [figure for name in kept for figure in PARTS[name].figures(kept[name])]
    OUTPUT.with_suffix(".html").write_text(page.render(drawn, datetime.now(UTC)))
    print(f"{OUTPUT} and {OUTPUT.with_suffix('.html')}")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
