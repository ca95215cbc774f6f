"""Lists what is in an image, with licences: `python tools/sbom IMAGE --out FOLDER`, run by the image's build.

Writes sbom.spdx.json (SPDX 2.3) and licenses.txt. What a Python wheel has inside as libraries of other languages is
not looked into: it is the wheel's.
"""

import argparse
import logging
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from components import Component
from debian_packages import debian_packages
from document import licence_list, spdx_document, write_spdx
from licences import Licence
from npm_packages import npm_packages
from python_packages import python_packages

DEBIAN_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}-minimal"


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="sbom", description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--version", default="0")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where var/lib/dpkg and usr/share/doc are")
    parser.add_argument("--site-packages", type=Path, required=True)
    parser.add_argument("--npm-lock", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    # what is odd about the form of a copyright file is nothing to whoever builds an image
    logging.disable(logging.WARNING)
    components = list(found_components(chosen.root, chosen.site_packages, chosen.npm_lock))
    chosen.out.mkdir(parents=True, exist_ok=True)
    document = spdx_document(chosen.image, chosen.version, moment(os.environ), components)
    write_spdx(document, chosen.out / "sbom.spdx.json")
    text = licence_list(chosen.image, chosen.version, components)
    (chosen.out / "licenses.txt").write_text(text, encoding="utf-8")
    return 0


def found_components(root: Path, site_packages: Path, npm_lock: Path | None) -> Iterator[Component]:
    """All packages, of every kind."""
    debian = list(debian_packages(root))
    yield from debian
    if not any(one.name == DEBIAN_PYTHON for one in debian):
        release = platform.python_version()
        yield Component("generic", "python", release, Licence("PSF-2.0"), f"pkg:generic/python@{release}")
    yield from python_packages(site_packages)
    if npm_lock is not None:
        yield from npm_packages(npm_lock)


def moment(environment: Mapping[str, str]) -> datetime:
    """When the document is made: that of the sources where SOURCE_DATE_EPOCH says it, so that it comes out the same."""
    given = environment.get("SOURCE_DATE_EPOCH")
    at = datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)
    return at.replace(microsecond=0, tzinfo=None)


if __name__ == "__main__":
    sys.exit(main())
