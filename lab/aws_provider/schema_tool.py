"""Derive `schema.json` from two published packages, or check the committed file against them.

    python -m lab.aws_provider.schema_tool DIR           # write schema.json from the wheels in DIR
    python -m lab.aws_provider.schema_tool --check DIR   # exit 1 when the committed file differs

DIR holds the wheels (`pip download --no-deps cdktf-cdktf-provider-aws==21.22.1 pulumi-aws==7.14.0`).

- cdktf-cdktf-provider-aws (MPL-2.0), generated from hashicorp/aws 6.25.0: names, types, blocks, required
  arguments, computed-only attributes, blocks that occur at most once.
- pulumi-aws (Apache-2.0), generated from the same provider: which optional arguments are also computed,
  which values are sensitive, and documented defaults.

Only facts (names, types, flags) are taken. Neither package says which arguments force a replacement: that is
in the records of `services/`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.aws_provider.schema_types import APPLIED, DATA_SOURCES, PLAN_ONLY, PROVIDER_VERSION

Json = Any  # parsed or generated JSON

CDKTF = ("cdktf-cdktf-provider-aws", "21.22.1")
PULUMI = ("pulumi-aws", "7.14.0")
SCHEMA_FILE = Path(__file__).with_name("schema.json")


SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "string"}
LINES = re.MULTILINE
ACROSS = re.MULTILINE | re.DOTALL
GETTERS = {"String": "string", "Number": "number", "Boolean": "bool"}


class ExtractionError(Exception):
    """The packages do not look as expected."""


# cdktf: JavaScript and type declarations of one resource -------------------------------------------------


def class_bodies(source: str) -> dict[str, str]:
    """Text of every top-level class by name."""
    parts = re.split(r"^(?:export )?class (\w+) extends [\w.]+ \{\n", source, flags=LINES)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def required_names(declarations: str, interface: str) -> set[str]:
    """Camel case names that an interface of index.d.ts declares without `?`."""
    found = re.search(rf"^export interface {interface}\b.*?\{{\n(.*?)^\}}", declarations, ACROSS)
    return set(re.findall(r"^    readonly (\w+): ", found.group(1), LINES)) if found else set()


def settable(body: str) -> dict[str, tuple[bool, str, str]]:
    """Name -> (is a block, type, storage class) from the generated HCL serialisation."""
    rows = re.findall(
        r"^\s+(\w+): \{\n\s+value: .*\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n"
        r"\s+storageClassType: \"(\w+)\",",
        body,
        LINES,
    )
    return {name: (block == "true", kind, storage) for name, block, kind, storage in rows}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


class Extractor:
    """One resource, data source or the provider."""

    def __init__(self, javascript: str, declarations: str) -> None:
        self.javascript = javascript
        self.declarations = declarations
        self.classes = class_bodies(javascript)
        main = re.search(
            r"^class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) ",
            javascript,
            LINES,
        )
        if main is None:
            raise ExtractionError("no resource class in the source")
        self.main = main.group(1)

    def root(self) -> Json:
        body = self.classes[self.main]
        hcl = body.split("synthesizeHclAttributes() {", 1)[1]
        block = self._members(body, settable(hcl), required_names(self.declarations, f"{self.main}Config"))
        block["attributes"].pop("alias", None)  # Terraform's own argument of provider blocks
        return block

    def _struct(self, name: str) -> Json:
        function = name[0].lower() + name[1:] + "ToHclTerraform"
        found = re.search(rf"^function {function}\(struct\) \{{\n(.*?)^\}}", self.javascript, ACROSS)
        reference = self.classes.get(f"{name}OutputReference", "")
        return self._members(
            reference, settable(found.group(1)) if found else {}, required_names(self.declarations, name)
        )

    def _members(self, body: str, given: Mapping[str, tuple[bool, str, str]], required: set[str]) -> Json:
        attributes: Json = {}
        blocks: Json = {}
        for name, (is_block, kind, storage) in given.items():
            must = camel(name) in required
            if is_block:
                blocks[name] = self._block(body, name, kind, storage, must)
            else:
                attributes[name] = [self._type(kind, storage), "r" if must else "o"]
        for name, kind in self._computed(body):
            if name not in given:
                attributes[name] = [kind, "c"]
        result = {"attributes": dict(sorted(attributes.items()))}
        if blocks:
            result["blocks"] = dict(sorted(blocks.items()))
        return result

    def _block(self, body: str, name: str, kind: str, storage: str, must: bool) -> Json:
        struct = re.sub(r"List$", "", storage)
        block = self._struct(struct)
        block["nesting"] = "single" if kind == "struct" else kind
        if kind != "struct" and re.search(rf'new \w+OutputReference\(this, "{name}"', body):
            block["max"] = 1
        if must:
            block["min"] = 1
        return block

    def _type(self, kind: str, storage: str) -> Json:
        if kind == "simple":
            return SIMPLE[storage]
        for element in SIMPLE:
            if storage in (f"{element}List", f"{element}Map"):
                return [kind, SIMPLE[element]]
        members = self._struct(re.sub(r"List$", "", storage))
        if kind == "struct":
            return ["object", members["attributes"]]
        return [kind, ["object", members["attributes"]]]

    def _computed(self, body: str) -> Iterator[tuple[str, Json]]:
        """Attributes that nobody can set: getters on the class, and lists of objects."""
        for kind, name in re.findall(r"return this\.get(String|Number|Boolean)Attribute\('(\w+)'\)", body):
            yield name, GETTERS[kind]
        for fn, kind, name in re.findall(
            r"return (?:cdktf\.(Fn\.tolist|Token\.asNumberList)\()?(?:cdktf\.Fn\.tolist\()?"
            r"this\.get(List|NumberList)Attribute\('(\w+)'\)",
            body,
        ):
            yield (
                name,
                ["set" if fn == "Fn.tolist" else "list", "number" if kind == "NumberList" else "string"],
            )
        for name in re.findall(r"new cdktf\.StringMap\(this, \"(\w+)\"\)", body):
            yield name, ["map", "string"]
        for name in re.findall(r"return this\.getStringMapAttribute\('(\w+)'\)", body):
            yield name, ["map", "string"]
        for struct, name, from_set in re.findall(r"new (\w+)List\(this, \"(\w+)\", (true|false)\)", body):
            members = self._struct(struct)["attributes"]
            fields = {field: value[0] for field, value in members.items()}
            yield name, ["set" if from_set == "true" else "list", ["object", fields]]


# pulumi: what is computed, sensitive, defaulted ----------------------------------------------------------


OUTPUT = re.compile(
    r"    def (\w+)\(self\) -> pulumi\.Output\[(.*)\]:\n(?:        \"\"\"\n((?:.*\n)*?)        \"\"\"\n)?"
)


class PulumiResource:
    """What one generated Python file says about a resource."""

    def __init__(self, token: str, source: str) -> None:
        self.name = re.sub(r"(?<!^)(?=[A-Z])", "_", token).lower()
        self.outputs = {
            name.rstrip("_"): (kind.startswith("Optional["), text)
            for name, kind, text in OUTPUT.findall(source)
        }
        secret = re.search(r"additional_secret_outputs=\[(.*?)\]", source)
        self.secret = set(re.findall(r'"(\w+)"', secret.group(1))) if secret else set()

    def likeness(self, kind: str, names: set[str]) -> float:
        """Overlap of the attribute names (pulumi makes plurals), and whether the type is called alike."""
        ours = {name.rstrip("s") for name in names}
        theirs = {name.rstrip("s") for name in self.outputs}
        overlap = len(ours & theirs) / max(1, len(ours | theirs))
        return overlap + (0.3 if kind.endswith(self.name) else 0.0)


def pulumi_resources(wheel: Path) -> list[PulumiResource]:
    found = []
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            if not entry.endswith(".py") or "/get_" in entry or entry.count("/") != 2:
                continue
            source = archive.read(entry).decode()
            token = re.search(r"super\(\w+, __self__\)\.__init__\(\s+'aws:[\w/]+:(\w+)'", source)
            if token:
                found.append(PulumiResource(token.group(1), source))
    return found


def documented_default(kind: Json, text: str) -> Json:
    """The value that a sentence like "Defaults to `30`" names, in the attribute's type, or None."""
    found = re.search(r"[Dd]efaults? (?:to|is|value is) `\"?([\w./-]+)\"?`", text)
    if not found:
        return None
    word = found.group(1)
    if kind == "bool" and word in ("true", "false"):
        return word == "true"
    if kind == "number" and re.fullmatch(r"-?\d+", word):
        return int(word)
    return word if kind == "string" else None


def add_facts(block: Json, facts: PulumiResource) -> None:
    """Mark what is computed (c), sensitive (s) and write-only (w) besides; append documented defaults."""
    for name, row in block["attributes"].items():
        may_be_absent, text = facts.outputs.get(name, (True, ""))
        if row[1] == "o" and not may_be_absent:
            row[1] = "oc"
        if camel(name) in facts.secret:
            row[1] += "s"
        if name.endswith("_wo") and "o" in row[1]:
            row[1] += "w"
        default = documented_default(row[0], text)
        if row[1] == "o" and default is not None:
            row.append(default)


# both ----------------------------------------------------------------------------------------------------


def wheel(folder: Path, package: tuple[str, str]) -> Path:
    name, version = package
    found = sorted(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if not found:
        raise ExtractionError(
            f"{folder} has no wheel of {name} {version}; pip download --no-deps {name}=={version}"
        )
    return found[0]


def extract(folder: Path) -> Json:
    """The content of schema.json."""
    with zipfile.ZipFile(wheel(folder, CDKTF)) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        sources: dict[str, dict[str, str]] = {}
        wanted = {f"package/lib/{folder_name}": key for key, folder_name in cdktf_folders().items()}
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner)), mode="r:gz") as tar:
            for member in tar:
                parent, _, leaf = member.name.rpartition("/")
                stream = (
                    tar.extractfile(member)
                    if parent in wanted and leaf in ("index.js", "index.d.ts")
                    else None
                )
                if stream:
                    sources.setdefault(wanted[parent], {})[leaf] = stream.read().decode()
    missing = sorted(set(wanted.values()) - set(sources))
    if missing:
        raise ExtractionError(f"not in the package: {', '.join(missing)}")
    blocks = {key: Extractor(text["index.js"], text["index.d.ts"]).root() for key, text in sources.items()}
    candidates = pulumi_resources(wheel(folder, PULUMI))
    for key, block in blocks.items():
        if key.startswith("resource "):
            names = set(block["attributes"]) | set(block.get("blocks", {}))
            add_facts(block, max(candidates, key=lambda c: c.likeness(key, names)))
            block["attributes"]["id"][1] = block["attributes"]["id"][1].replace("oc", "o").replace("o", "oc")
        elif key.startswith("data "):
            block["attributes"].setdefault("id", ["string", "c"])[1] = block["attributes"]["id"][1].replace(
                "o", "oc"
            )
    return {
        "sources": {"provider": PROVIDER_VERSION, CDKTF[0]: CDKTF[1], PULUMI[0]: PULUMI[1]},
        "provider": blocks["provider"],
        "resources": {key.split()[1]: blocks[key] for key in sorted(blocks) if key.startswith("resource ")},
        "data_sources": {key.split()[1]: blocks[key] for key in sorted(blocks) if key.startswith("data ")},
    }


def cdktf_folders() -> dict[str, str]:
    """Key of the result -> folder below package/lib."""
    folders = {"provider": "provider"}
    for name in APPLIED + PLAN_ONLY:
        folders[f"resource aws_{name}"] = name.replace("_", "-")
    for name in DATA_SOURCES:
        folders[f"data aws_{name}"] = "data-aws-" + name.replace("_", "-")
    return folders


def render(schema: Json) -> str:
    """JSON with one line per type, so that a change of the package is a readable diff."""
    lines = [
        "{",
        f'"sources": {json.dumps(schema["sources"])},',
        f'"provider": {json.dumps(schema["provider"])},',
    ]
    for part in ("resources", "data_sources"):
        rows = [f"{json.dumps(name)}: {json.dumps(block)}" for name, block in schema[part].items()]
        lines += [f'"{part}": {{', ",\n".join(rows), "}" + ("," if part == "resources" else "")]
    return "\n".join([*lines, "}", ""])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.aws_provider.schema_tool", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the two wheels")
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    options = parser.parse_args(arguments)
    try:
        text = render(extract(options.folder))
    except (ExtractionError, OSError) as error:
        print(f"schema_tool: {error}", file=sys.stderr)
        return 2
    if not options.check:
        SCHEMA_FILE.write_text(text)
        return 0
    if text == SCHEMA_FILE.read_text():
        print(f"{SCHEMA_FILE.name} agrees with {CDKTF[0]} {CDKTF[1]} and {PULUMI[0]} {PULUMI[1]}")
        return 0
    print(f"{SCHEMA_FILE.name} differs from the packages: run the tool without --check", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
