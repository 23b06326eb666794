"""The tables of inputs and outputs in the module READMEs, made from variables.tf and outputs.tf.

`python tools/terraform_docs.py` writes them between the two marker lines; a test compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BEGIN = "<!-- inputs and outputs: written by tools/terraform_docs.py -->"
END = "<!-- end of inputs and outputs -->"
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
ARGUMENT = re.compile(r"^  (\w+) += (.*?)(?=^  \w+ +=|^  \w+ \{|^$|\Z)", re.MULTILINE | re.DOTALL)


def tables(module: Path) -> str:
    """Markdown of a module's inputs and outputs, in the order of the files (alphabetical)."""
    inputs = [
        f"| `{name}` | {_code(arguments['type'])} | {_code(arguments.get('default'))} | {_text(arguments)} |"
        for name, arguments in _blocks(module / "variables.tf")
    ]
    outputs = [f"| `{name}` | {_text(arguments)} |" for name, arguments in _blocks(module / "outputs.tf")]
    return "\n".join(
        [
            "## Inputs",
            "",
            "| Name | Type | Default | Meaning |",
            "|---|---|---|---|",
            *inputs,
            "",
            "## Outputs",
            "",
            "| Name | Meaning |",
            "|---|---|",
            *outputs,
        ]
    )


def written(readme: str, module: Path) -> str:
    """The README with its tables as they must be. Raises ValueError without the marker lines."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{module.name}/README.md lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{tables(module)}\n\n{END}{after}"


def _blocks(path: Path) -> list[tuple[str, dict[str, str]]]:
    return [
        (name, {key: value.strip() for key, value in ARGUMENT.findall(body)})
        for _, name, body in BLOCK.findall(path.read_text())
    ]


def _code(expression: str | None) -> str:
    """An expression on one line, as code; a bar would end the table's cell."""
    if expression is None:
        return "required"
    flat = re.sub(r"\s+", " ", re.sub(r"(?<=[^{(,\s])\n", ",\n", expression))
    flat = flat.replace("{ ", "{").replace(" }", "}").replace(",}", "}")
    return f"`{flat}`".replace("|", "\\|")


def _text(arguments: dict[str, str]) -> str:
    return arguments["description"].strip('"').replace('\\"', '"').replace("|", "\\|")


def modules() -> list[Path]:
    """Folders of all modules."""
    return sorted(path.parent for path in (REPOSITORY / "modules").glob("*/versions.tf"))


def main() -> int:
    """Write the tables of every module."""
    for module in modules():
        readme = module / "README.md"
        readme.write_text(written(readme.read_text(), module))
    return 0


if __name__ == "__main__":
    sys.exit(main())
