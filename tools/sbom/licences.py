"""Licences as SPDX says them, from the words that packages use. Pure."""

import re
from dataclasses import dataclass, field

from license_expression import ExpressionError, get_spdx_licensing

SPDX = get_spdx_licensing()
NAMED = {
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1": "Artistic-1.0-Perl",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd-2-clause license": "BSD-2-Clause",
    "bsd-2-clause-netbsd": "BSD-2-Clause",
    "bsd-3-clause-author": "BSD-3-Clause",
    "bsl-1": "BSL-1.0",
    "boost-1.0": "BSL-1.0",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mit-0": "MIT-0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "psf": "PSF-2.0",
    "psf license": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the mit license": "MIT",
    "the unlicense (unlicense)": "Unlicense",
    "zlib/libpng": "Zlib",
}
"""What packages write where they mean a licence of SPDX's list, in small letters."""
_GNU = re.compile(
    r"(?P<family>a?gpl|lgpl|gfdl)(?:-niv|-no-invariants)?-?v?(?P<version>\d(?:\.\d)?)(?P<later>\+|-or-later)?"
)
_JOINED = re.compile(r"\s*(?:,\s*)?\b(and/or|and|or)\b\s+|\s*,\s*|\s*\|\s*", re.IGNORECASE)
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Licence:
    """An expression; empty where nothing is known. `texts` are those of its LicenseRefs, by their names."""

    expression: str = ""
    texts: dict[str, str] = field(default_factory=dict)


def licence_of(words: str, where: str) -> Licence:
    """The licence that words mean, which may join several. One that SPDX does not list becomes a LicenseRef.

    `where` says where its text is, for the reader of a LicenseRef.
    """
    words = " ".join(words.split())
    if not words:
        return Licence()
    if known := _listed(words) or _named(words):
        return Licence(known)
    parts = _JOINED.split(words)
    names = [part for part in parts[::2] if part]
    if len(names) < 2 or any(len(name) > _LONGEST_NAME for name in names):
        return _reference(words, where)
    made = [licence_of(name, where) for name in names]
    joints = [("OR" if (joint or "and").lower().startswith(("or", "and/or")) else "AND") for joint in parts[1::2]]
    expression = f"({made[0].expression})"
    for joint, licence in zip(joints, made[1:], strict=False):
        expression += f" {joint} ({licence.expression})"
    return Licence(_plain(expression), {name: text for licence in made for name, text in licence.texts.items()})


def all_of(licences: list[Licence]) -> Licence:
    """Every one of them holds, each told once."""
    known = {one.expression: one for one in licences if one.expression}
    if not known:
        return Licence()
    joined = " AND ".join(f"({expression})" for expression in sorted(known))
    return Licence(_plain(joined), {name: text for one in known.values() for name, text in one.texts.items()})


def _plain(expression: str) -> str:
    # not simplified: A AND (A OR B) would lose B, which a reader may want to know of
    return str(SPDX.dedup(expression))


def _listed(words: str) -> str:
    try:
        parsed = SPDX.parse(words, validate=True, strict=True)
    except (ExpressionError, ValueError):
        return ""
    return "" if parsed is None else str(parsed)


def _named(words: str) -> str:
    small = words.lower().strip(" .")
    if small in NAMED:
        return NAMED[small]
    gnu = _GNU.fullmatch(small)
    if gnu is None:
        # Debian writes some of SPDX's names in other letters, as BSD-3-clause
        same = [key for key in SPDX.known_symbols if key.lower() == small]
        return same[0] if same else ""
    version = gnu["version"] if "." in gnu["version"] else f"{gnu['version']}.0"
    name = f"{gnu['family'].upper()}-{version}-{'or-later' if gnu['later'] else 'only'}"
    return name if name in SPDX.known_symbols else ""


def _reference(words: str, where: str) -> Licence:
    short = re.sub(r"[^A-Za-z0-9.-]+", "-", words[:_LONGEST_NAME]).strip("-.")
    name = f"LicenseRef-{short or 'unnamed'}"
    return Licence(name, {name: f"Named {words!r}; its text: {where}" if len(words) <= _LONGEST_NAME else words})
