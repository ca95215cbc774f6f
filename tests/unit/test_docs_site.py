"""The site of the documentation builds without a dead link, and loads nothing from elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from doc_blocks import REPOSITORY

ELSEWHERE = re.compile(r"^(?:https?:)?//")
MARKDOWN_LINK = re.compile(r"\]\((?P<path>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?\)")


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(config), "-d", str(site)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(REPOSITORY / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


class _Loaded(HTMLParser):
    """What a browser fetches of itself, and the links that a reader may follow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "iframe", "source", "video"} and given.get("src"):
            self.fetched.append(given["src"] or "")
        if tag == "link" and given.get("rel") not in {"next", "prev", "canonical"}:
            self.fetched.append(given.get("href") or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        fetched = _Loaded(page.read_text(encoding="utf-8")).fetched
        assert fetched
        assert not [one for one in fetched if ELSEWHERE.match(one)], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet.name


def test_every_file_that_a_page_leads_to_is_in_the_site(site: Path) -> None:
    seen = 0
    for page in site.glob("*.html"):
        if page.name == "404.html":
            continue
        for link in _Loaded(page.read_text(encoding="utf-8")).links:
            path = link.partition("#")[0]
            if path and not re.match(r"[a-z]+:", path):
                assert (page.parent / path).exists(), f"{page.name}: {link}"
                seen += "repository/" in path
    assert seen >= 5, "links into the repository are led to copies"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("[gone](nowhere.md)", "nowhere.md"),
        ("[gone](other.md#nowhere)", "#nowhere"),
        ("[gone](../nowhere.yaml)", "nowhere.yaml"),
    ],
)
def test_a_dead_link_fails_the_build(tmp_path: Path, wrong: str, told: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# Home\n\n{wrong}\n", encoding="utf-8")
    (tmp_path / "docs/other.md").write_text("# Other\n", encoding="utf-8")
    (tmp_path / "docs/images").mkdir()
    (tmp_path / "docs/images/favicon.svg").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/site_links.py").write_text((REPOSITORY / "tools/site_links.py").read_text(encoding="utf-8"))
    config = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[0]
    (tmp_path / "mkdocs.yml").write_text(f"{config}nav: [index.md, other.md]\n", encoding="utf-8")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert told in done.stderr


def test_a_readme_leads_nowhere_that_is_not() -> None:
    found = MARKDOWN_LINK.findall((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    ours = [path for path, _ in found if not path.startswith("http")]
    assert len(ours) > 20
    assert [path for path in ours if not (REPOSITORY / path).exists()] == []
    pages = {f"docs/{page.name}" for page in (REPOSITORY / "docs").glob("*.md")} - {"docs/index.md"}
    assert pages <= set(ours), "README.md names every page"
