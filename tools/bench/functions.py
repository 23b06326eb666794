"""What each Lambda function costs before its first event: the import of its handler, the size of its zip.

Unpacked and compiled as AWS keeps it, in the interpreter that has only what AWS's runtime brings, in a fresh
process: processor time, the best of some rounds, beside the import of boto3 alone, which every one needs.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools.bench.figures import Figure
from tools.package_lambdas import MAX_ZIP_BYTES, OUTPUT, ROOT, read_functions

ROUNDS: Final = 3
IMPORT_BUDGET_MS: Final = 300  # of processor time: Lambda gives a function a core's share by its memory
BARE: Final = "boto3 alone"
PYTHON: Final = ROOT / ".venv-lambda" / "bin" / "python"
TIMED: Final = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
__import__(sys.argv[2])
print(json.dumps(1000 * (time.process_time() - began)))
"""

Json = dict[str, Any]


def measure() -> Json:
    """Import each handler of build/lambdas in turn, ROUNDS times."""
    functions = read_functions(ROOT / "python" / "lambdas.toml")
    with tempfile.TemporaryDirectory() as folder:
        places = {BARE: (folder, "boto3")}
        for name, function in functions.items():
            place = Path(folder, name)
            with zipfile.ZipFile(OUTPUT / f"{name}.zip") as archive:
                archive.extractall(place)
            places[name] = (str(place / function.folder), function.handler.rpartition(".")[0])
        for place_, module in places.values():
            import_ms(place_, module)  # writes the bytecode
        taken = [{name: import_ms(*where) for name, where in places.items()} for _ in range(ROUNDS)]
    best = {name: round(min(each[name] for each in taken), 1) for name in places}
    return {
        "boto3_ms": best.pop(BARE),
        "functions": {
            name: {"import_ms": ms, "zip_bytes": (OUTPUT / f"{name}.zip").stat().st_size}
            for name, ms in best.items()
        },
    }


def import_ms(place: str, module: str) -> float:
    """Milliseconds of processor time for one import in a process of its own."""
    result = subprocess.run(
        [str(PYTHON), "-I", "-c", TIMED, place, module],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return float(json.loads(result.stdout))


def failures(found: Json) -> list[str]:
    """Say which handler or zip is above its budget."""
    wrong = []
    for name, each in found["functions"].items():
        if each["import_ms"] > IMPORT_BUDGET_MS:
            wrong.append(f"importing {name} takes {each['import_ms']} ms; {IMPORT_BUDGET_MS} are allowed")
        if each["zip_bytes"] > MAX_ZIP_BYTES:
            wrong.append(f"{name}.zip has {each['zip_bytes']:,} bytes; {MAX_ZIP_BYTES:,} are allowed")
    return wrong


def table(found: Json) -> Iterator[str]:
    """Give the lines that are printed."""
    bare = found["boto3_ms"]
    yield f"{'importing a handler':<34}{'ms of CPU':>12}{'to boto3':>12}{'zip, KB':>12}"
    yield f"  {BARE:<32}{bare:>12.0f}{1:>12.2f}{'-':>12}"
    for name, each in found["functions"].items():
        ms, kilobytes = each["import_ms"], each["zip_bytes"] / 1000
        yield f"  {name:<32}{ms:>12.0f}{ms / bare:>12.2f}{kilobytes:>12,.0f}"
    yield f"  budgets: {IMPORT_BUDGET_MS} ms, {MAX_ZIP_BYTES // 1000:,} KB"


def figures(found: Json) -> Iterator[Figure]:
    """Give what the page shows."""
    for name, each in found["functions"].items():
        yield Figure("import of a handler, ms of CPU", name, each["import_ms"], BARE, found["boto3_ms"])
