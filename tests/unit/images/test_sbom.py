"""The list of what is in an image, with its licences."""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from components import Component
from debian_packages import debian_packages
from document import licence_list
from licences import Licence, all_of, licence_of
from npm_packages import npm_packages
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

REPO = Path(__file__).resolve().parents[3]
SITE_PACKAGES = next(Path(str(one.locate_file(""))) for one in distributions(name="pydantic"))
EPOCH = "1700000000"


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("MIT", "MIT"),
        ("MIT License", "MIT"),
        ("Apache Software License", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("Expat", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("GPL-3+ or Artistic", "GPL-3.0-or-later OR Artistic-1.0-Perl"),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", "MPL-2.0 AND (Apache-2.0 OR MIT)"),
        ("", ""),
    ],
)
def test_what_packages_call_a_licence_becomes_what_spdx_calls_it(words: str, expression: str) -> None:
    assert licence_of(words, "there").expression == expression


def test_a_licence_that_spdx_does_not_list_is_named_with_where_its_text_is() -> None:
    licence = licence_of("GPL-2+ and Of My Own", "/usr/share/doc/x/copyright")
    assert licence.expression == "GPL-2.0-or-later AND LicenseRef-Of-My-Own"
    assert "/usr/share/doc/x/copyright" in licence.texts["LicenseRef-Of-My-Own"]


def test_several_licences_all_hold_and_are_told_once() -> None:
    found = all_of([Licence("MIT"), Licence("GPL-2.0-only OR MIT"), Licence("MIT"), Licence()])
    assert found.expression == "(GPL-2.0-only OR MIT) AND MIT"


STATUS = """Package: libfoo
Status: install ok installed
Architecture: amd64
Version: 1:2.0+dfsg-1
Homepage: https://foo.example

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: old
Status: install ok installed
Architecture: all
Version: 3
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 Foo
License: LGPL-2.1+

Files: debian/*
Copyright: 2020 Bar
License: Expat
"""


def test_debians_packages_are_those_that_dpkg_calls_installed(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    for name, text in (("libfoo", COPYRIGHT), ("old", "You may: see /usr/share/common-licenses/GPL-2.\n")):
        (tmp_path / "usr/share/doc" / name).mkdir(parents=True)
        (tmp_path / "usr/share/doc" / name / "copyright").write_text(text)
    found = {one.name: one for one in debian_packages(tmp_path)}
    assert set(found) == {"libfoo", "old"}
    assert found["libfoo"].licence.expression == "LGPL-2.1-or-later AND MIT"
    assert found["libfoo"].purl == "pkg:deb/debian/libfoo@1%3A2.0%2Bdfsg-1?arch=amd64"
    assert found["old"].licence.expression == "GPL-2.0-only"


def test_the_web_clients_packages_are_those_of_the_page() -> None:
    found = {one.name: one for one in npm_packages(REPO / "client" / "package-lock.json")}
    assert found["livekit-client"].licence.expression == "Apache-2.0"
    assert "uplot" in found and "vite" not in found and "typescript" not in found


def test_what_states_no_licence_is_told_so() -> None:
    text = licence_list("x", "1", [Component("pypi", "mine", "1", Licence(), "pkg:pypi/mine@1")])
    assert "mine 1: no licence stated" in text


def written(folder: Path) -> dict[str, Any]:
    """What the program makes of this environment, and of a Debian root."""
    root = folder / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(STATUS)
    command = [sys.executable, REPO / "tools/sbom", "voiceagent-operator/gateway", "--version", "9.9.9"]
    command += ["--root", root, "--site-packages", SITE_PACKAGES, "--out", folder / "out"]
    command += ["--npm-lock", REPO / "client/package-lock.json"]
    environment = {"SOURCE_DATE_EPOCH": EPOCH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    told: dict[str, Any] = json.loads((folder / "out/sbom.spdx.json").read_text(encoding="utf-8"))
    return told


def test_the_sbom_is_valid_spdx_and_the_same_each_time(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a"), written(tmp_path / "b")
    assert first == second
    assert first["spdxVersion"] == "SPDX-2.3"
    assert first["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    names = {one["name"] for one in first["packages"]}
    assert {"voiceagent-operator/gateway", "libfoo", "pydantic", "livekit-client"} <= names
    purls = [ref["referenceLocator"] for one in first["packages"] for ref in one.get("externalRefs", ())]
    assert len(purls) == len(first["packages"]) - 1
    assert validate_full_spdx_document(parse_file(str(tmp_path / "a/out/sbom.spdx.json"))) == []
