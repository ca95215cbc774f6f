"""The locks of the images: whole, with hashes, and at the versions that everything else is tested with."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dependencies import IMAGES, WITHOUT_THEIR_OWN, requirements
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parents[3]
LOCKS = REPO / "locks"
ALL = (*IMAGES, "tools")
PYTHONS = ("3.11.2", "3.11.14", "3.13.5")
"""Debian 12's, that of Python's own image of today, and a later one."""


def locked(image: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement with its hashes."""
    text = (LOCKS / f"{image}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        requirement, *hashes = re.split(r"\s+--hash=", line)
        yield Requirement(requirement), [one.strip() for one in hashes]


def holds(requirement: Requirement, python: str) -> bool:
    """Whether it is installed in an image with this Python."""
    return requirement.marker is None or requirement.marker.evaluate(
        {
            "python_full_version": python,
            "python_version": python.rpartition(".")[0],
            "sys_platform": "linux",
            "implementation_name": "cpython",
        }
    )


def pinned() -> dict[str, str]:
    lines = (REPO / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_every_image_has_its_lock_and_no_lock_is_without_its_image() -> None:
    assert {file.stem for file in LOCKS.iterdir()} == set(ALL)


@pytest.mark.parametrize("image", ALL)
def test_everything_in_a_lock_has_hashes_and_no_address(image: str) -> None:
    found = list(locked(image))
    assert found
    for requirement, hashes in found:
        assert requirement.url is None
        assert hashes, f"{requirement} has no hash; run `make lock UPGRADE=`"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)
    assert "://" not in (LOCKS / f"{image}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("image", ALL)
def test_a_lock_agrees_with_the_constraints(image: str, python: str) -> None:
    constraints = pinned()
    for requirement, _ in locked(image):
        if holds(requirement, python):
            name = canonicalize_name(requirement.name)
            told = f"{name}: run `make lock UPGRADE=`"
            assert str(requirement.specifier) == f"=={constraints.get(name)}", told


@pytest.mark.parametrize("image", ALL)
def test_a_lock_has_what_its_parts_name(image: str) -> None:
    named = {canonicalize_name(Requirement(line).name) for line in requirements(image)}
    named |= set(WITHOUT_THEIR_OWN.get(image, ()))
    there = {canonicalize_name(requirement.name) for requirement, _ in locked(image)}
    assert not named - there, "run `make lock UPGRADE=`"


def test_piper_which_is_under_the_gpl_is_in_the_sandboxs_speech_image_alone() -> None:
    holders = {image for image in ALL for requirement, _ in locked(image) if requirement.name == "piper-tts"}
    assert holders == {"speech"}


def test_the_full_worker_has_what_the_smaller_one_has_and_every_vendors_library() -> None:
    small = {str(requirement) for requirement, _ in locked("worker")}
    full = {str(requirement) for requirement, _ in locked("worker-full")}
    assert small < full
    more = " ".join(full - small)
    assert all(name in more for name in ("anthropic==", "azure-cognitiveservices-speech==", "google-genai=="))
