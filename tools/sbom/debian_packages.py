"""The Debian packages of a root: dpkg's list of them, and the copyright file that each brings."""

import re
from collections.abc import Iterator
from pathlib import Path

from components import Component
from debian.copyright import Copyright, MachineReadableFormatError, NotMachineReadableError
from debian.deb822 import Deb822
from licences import Licence, all_of, licence_of

COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])")


def debian_packages(root: Path) -> Iterator[Component]:
    """Those that dpkg calls installed, by name."""
    with (root / "var/lib/dpkg/status").open(encoding="utf-8") as status:
        installed = [one for one in Deb822.iter_paragraphs(status, use_apt_pkg=False) if _installed(one)]
    distribution = _release(root).get("ID", "debian")
    for one in sorted(installed, key=lambda one: (one["Package"], one["Architecture"])):
        name, version, machine = one["Package"], one["Version"], one["Architecture"]
        purl = f"pkg:deb/{distribution}/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={machine}"
        yield Component("deb", name, version, _licence(root, name), purl, one.get("Homepage", ""))


def _installed(one: Deb822) -> bool:
    return str(one.get("Status", "")).split()[-1:] == ["installed"]


def _release(root: Path) -> dict[str, str]:
    try:
        lines = (root / "etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def _licence(root: Path, package: str) -> Licence:
    place = f"usr/share/doc/{package}/copyright"
    try:
        text = (root / place).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Licence()
    named = _named(text) or [name.removesuffix(".") for name in COMMON.findall(text)]
    if named:
        return all_of([licence_of(words, f"/{place}") for words in dict.fromkeys(named)])
    return licence_of(f"copyright of {package}", f"/{place}")


def _named(text: str) -> list[str]:
    """The licences that a copyright file of Debian's form names; none where it is written freely."""
    try:
        parsed = Copyright(text.splitlines(keepends=True), strict=False)
    except (NotMachineReadableError, MachineReadableFormatError, ValueError):
        return []
    found = [one.license for one in (parsed.header, *parsed.all_files_paragraphs()) if one.license is not None]
    return [licence.synopsis for licence in found if licence.synopsis]
