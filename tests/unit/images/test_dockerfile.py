"""What the Dockerfile says of every image."""

import re
from pathlib import Path

import pytest
from voiceagent_sandbox.images import SHARED_SOURCES, SOURCES

REPO = Path(__file__).resolve().parents[3]
TEXT = (REPO / "Dockerfile").read_text(encoding="utf-8")
STAGE = re.compile(r"^FROM (\S+) AS (\S+)$", re.MULTILINE)


def stages() -> dict[str, tuple[str, str]]:
    """The base and the text of each stage."""
    found = list(STAGE.finditer(TEXT))
    ends = [match.start() for match in found[1:]] + [len(TEXT)]
    return {match[2]: (match[1], TEXT[match.end() : end]) for match, end in zip(found, ends, strict=True)}


@pytest.mark.parametrize("target", SOURCES)
def test_an_image_is_made_of_the_stripped_base_and_only_copies_from_its_build(target: str) -> None:
    base, text = stages()[target]
    assert base == "runtime"
    assert "\nRUN " not in text and "\nUSER " not in text
    assert set(re.findall(r"COPY --from=(\S+)", text)) == {f"{target}-build"}
    assert f"COPY --from={target}-build /sbom /usr/share/voiceagent" in text


@pytest.mark.parametrize("target", SOURCES)
def test_an_image_tells_its_version_and_commit(target: str) -> None:
    text = stages()[target][1]
    assert 'org.opencontainers.image.version="$VERSION"' in text
    assert 'org.opencontainers.image.revision="$REVISION"' in text
    assert "VOICEAGENT_COMMIT=$REVISION" in text


@pytest.mark.parametrize("target", SOURCES)
def test_dependencies_are_those_of_the_images_lock(target: str) -> None:
    base, text = stages()[f"{target}-build"]
    assert base == "tools"
    assert f"RUN uv pip install -q --no-deps -r locks/{target}.txt" in text


def test_everything_is_taken_by_its_hash_and_nothing_is_compiled() -> None:
    tools = stages()["tools"][1]
    assert "UV_REQUIRE_HASHES=1 UV_NO_BUILD=1" in tools
    assert "pip install -q --require-hashes --no-deps --only-binary :all:" in tools


def test_images_run_as_nobody_in_particular() -> None:
    base, text = stages()["runtime"]
    assert base == "scratch"
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["65532:65532"]


def test_the_legacy_builder_can_build_it() -> None:
    assert "--mount" not in TEXT and "<<" not in TEXT and "# syntax" not in TEXT


@pytest.mark.parametrize("target", SOURCES)
def test_the_sandbox_makes_an_image_anew_when_what_is_copied_into_it_changes(target: str) -> None:
    known = {Path(name) for name in (*SHARED_SOURCES, *SOURCES[target])}
    ignored = (REPO / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {Path(line[1:]) for line in ignored if line.startswith("!")}
    for stage in ("stripped", "tools", f"{target}-build", target):
        for line in re.findall(r"^COPY (?!--from)(.+)$", stages()[stage][1], re.MULTILINE):
            *sources, _ = line.split()
            for source in map(Path, sources):
                copied = {name for name in let_in if source in name.parents}
                if source in let_in or let_in & set(source.parents):
                    copied = {source}
                assert copied, f"{source} is not let in by .dockerignore"
                assert all(name in known or known & set(name.parents) for name in copied), source
