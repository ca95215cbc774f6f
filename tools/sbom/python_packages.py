"""The Python packages of an environment, by the metadata that each brings."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from components import Component
from licences import Licence, all_of, licence_of

CLASSIFIER = "License :: "
TOO_VAGUE = ("bsd", "bsd license", "osi approved", "other/proprietary license", "dual license", "gnu")
"""Words that name no licence, but a family of them."""


def python_packages(folder: Path) -> Iterator[Component]:
    """Those installed in a folder such as site-packages, by name."""
    found = {_name(one): one for one in distributions(path=[str(folder)])}
    for name, one in sorted(found.items()):
        home = one.metadata.get("Home-page") or ""
        yield Component("pypi", name, one.version, _licence(one), f"pkg:pypi/{name}@{one.version}", _address(home))


def _name(one: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()


def _address(text: str) -> str:
    return text if text.startswith(("http://", "https://")) else ""


def _licence(one: Distribution) -> Licence:
    where = f"the package's own files, {', '.join(_files(one)) or 'its sources'}"
    expression = one.metadata.get("License-Expression") or ""
    if expression:
        return licence_of(expression, where)
    classified = [line.rpartition(" :: ")[2] for line in one.metadata.get_all("Classifier") or [] if CLASSIFIER in line]
    field = one.metadata.get("License") or ""
    said = [words for words in (field, *classified) if words and not _vague(words)]
    listed = [licence for words in said if "LicenseRef" not in (licence := licence_of(words, where)).expression]
    if listed:
        # the field is the package's own word; classifiers are often left from a template
        return listed[0] if field and not _vague(field) else all_of(listed)
    if field or classified:
        return licence_of(field or " and ".join(classified), where)
    return Licence()


def _vague(words: str) -> bool:
    return words.strip().lower() in TOO_VAGUE


def _files(one: Distribution) -> Iterable[str]:
    named = [str(file) for file in one.files or []]
    return [name for name in named if ".dist-info" in name and re.search(r"licen[cs]e|copying|notice", name, re.I)]
