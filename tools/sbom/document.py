"""The list of what is in an image, as SPDX 2.3 in JSON and as text for people."""

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from components import Component
from licences import SPDX
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    ExtractedLicensingInfo,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.writer.write_anything import write_file

IMAGE = "SPDXRef-Image"
TITLES = {
    "pypi": "Python packages; licence texts are in their .dist-info folders below /venv",
    "npm": "Packages in the web client",
    "deb": "Debian packages; licence texts are in /usr/share/doc/PACKAGE/copyright",
    "generic": "Other programs",
}


def spdx_document(image: str, version: str, created: datetime, components: Sequence[Component]) -> Document:
    """The document: the image, and all that it contains. The same for the same components, whenever it is made."""
    told = "\n".join(f"{one.purl} {one.licence.expression}" for one in components)
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{image} {version}\n{told}")
    creation = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id="SPDXRef-DOCUMENT",
        name=f"{image}-{version}",
        document_namespace=f"urn:uuid:{identity}",
        creators=[Actor(ActorType.TOOL, "voiceagent-operator-sbom")],
        created=created,
    )
    whole = Package(
        spdx_id=IMAGE,
        name=image,
        version=version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.CONTAINER,
    )
    packages = [_package(number, one) for number, one in enumerate(components)]
    texts = {name: text for one in components for name, text in one.licence.texts.items()}
    return Document(
        creation_info=creation,
        packages=[whole, *packages],
        relationships=[
            Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, IMAGE),
            *(Relationship(IMAGE, RelationshipType.CONTAINS, one.spdx_id) for one in packages),
        ],
        extracted_licensing_info=[
            ExtractedLicensingInfo(license_id=name, extracted_text=text) for name, text in sorted(texts.items())
        ],
    )


def write_spdx(document: Document, path: Path) -> None:
    """Write it. Raises ValueError where it is not valid."""
    write_file(document, str(path), validate=True)


def licence_list(image: str, version: str, components: Sequence[Component]) -> str:
    """The same for people: each package with its licence."""
    lines = [f"What is in the image {image} {version}, and under which licence."]
    for kind, title in TITLES.items():
        rows = [one for one in components if one.kind == kind]
        if not rows:
            continue
        lines += ["", f"{title}:", ""]
        lines += [f"  {one.name} {one.version}: {one.licence.expression or 'no licence stated'}" for one in rows]
    return "\n".join(lines) + "\n"


def _package(number: int, one: Component) -> Package:
    declared = SPDX.parse(one.licence.expression) if one.licence.expression else SpdxNoAssertion()
    short = re.sub(r"[^A-Za-z0-9.-]+", "-", one.name)
    return Package(
        spdx_id=f"SPDXRef-{one.kind}-{number}-{short}",
        name=one.name,
        version=one.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        homepage=one.home_page or None,
        license_declared=declared,
        license_concluded=SpdxNoAssertion(),
        copyright_text=SpdxNoAssertion(),
        external_references=[
            ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", one.purl),
        ],
    )
