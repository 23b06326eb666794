"""Write a CycloneDX document for the server's image and for each Lambda zip into build/sbom: `make sbom`.

Runs in .venv-checkov, which has the library of the format; it reads what .venv has installed and what
`make package-lambdas` built. Each document is checked against the format's own schema before it is written.
What AWS's Lambda runtime and the image's base bring is not in it: their makers publish that.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
import warnings
from collections.abc import Sequence
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType  # type: ignore[import-not-found]
from cyclonedx.model.bom import Bom  # type: ignore[import-not-found]
from cyclonedx.model.component import Component as Part  # type: ignore[import-not-found]
from cyclonedx.model.component import ComponentType
from cyclonedx.output.json import JsonV1Dot5  # type: ignore[import-not-found]
from cyclonedx.schema import SchemaVersion  # type: ignore[import-not-found]
from cyclonedx.validation.json import JsonStrictValidator  # type: ignore[import-not-found]
from packageurl import PackageURL  # type: ignore[import-not-found]

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))  # another environment's Python: the repository is not installed there

from tools.sbom.components import (  # noqa: E402 - after the path is set
    SERVER,
    Component,
    UnlockedError,
    image_components,
    pins,
    zip_components,
)

OUTPUT = REPOSITORY / "build/sbom"
ZIPS = REPOSITORY / "build/lambdas"
PACKAGES = REPOSITORY / ".venv/lib"


def document(subject: Part, components: Sequence[Component]) -> str:
    """The CycloneDX JSON of one thing that is shipped. Raises ValueError when the format refuses it."""
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, repr((subject.name, components))))
    bom.metadata.component = subject
    parts = [
        Part(
            name=each.name,
            version=each.version,
            type=ComponentType.LIBRARY,
            bom_ref=each.name,
            purl=PackageURL("pypi", None, each.name, each.version),
        )
        for each in components
    ]
    bom.components.update(parts)
    bom.register_dependency(subject, parts)
    text = str(JsonV1Dot5(bom).output_as_string(indent=2))
    error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if error is not None:
        raise ValueError(f"{subject.name}: not valid CycloneDX: {error}")
    return text


def main() -> int:
    """Write every document; 1 when something shipped is not locked or nothing was built."""
    warnings.filterwarnings("ignore", module="cyclonedx")
    (site,) = PACKAGES.glob("python*/site-packages")
    packages = sorted(ZIPS.glob("*.zip"))
    if not packages:
        print("sbom: no zips in build/lambdas: run make package-lambdas", file=sys.stderr)
        return 1
    try:
        server = image_components(pins((REPOSITORY / "requirements/dev.txt").read_text()), site)
    except UnlockedError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    (own,) = (each for each in server if each.name == SERVER)
    image = Part(name=SERVER, version=own.version, type=ComponentType.CONTAINER, bom_ref="subject")
    documents = {SERVER: document(image, server)}
    for package in packages:
        digest = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(package.read_bytes()).hexdigest())
        subject = Part(name=package.name, type=ComponentType.FILE, bom_ref="subject", hashes=[digest])
        documents[package.stem] = document(subject, zip_components(package))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        (OUTPUT / f"{name}.cdx.json").write_text(text)
    print(
        f"{len(documents)} documents in {OUTPUT.relative_to(REPOSITORY)}; {SERVER}: {len(server)} components"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
