"""A package in an image, whichever kind it is of."""

from dataclasses import dataclass

from licences import Licence


@dataclass(frozen=True, slots=True)
class Component:
    """One package at one version."""

    kind: str
    """deb, pypi, npm or generic, as in package URLs."""
    name: str
    version: str
    licence: Licence
    purl: str
    home_page: str = ""
