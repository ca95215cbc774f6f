"""A hook of mkdocs: links from docs/ to other files of the repository, such as ../crds/examples, work in the site.

On a plain git host they lead to the files themselves. In the site each linked file is copied under `repository/`; a
folder becomes a page there that lists its files. A link to what there is not fails the build as any dead link does.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

PLACE = "repository"
_OUTWARD = re.compile(r"\]\(\.\./(?P<path>[^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The site's files, and those of the repository that a page links to."""
    root, docs = Path(config.config_file_path).parent, Path(config.docs_dir)
    texts = [page.read_text(encoding="utf-8") for page in sorted(docs.rglob("*.md"))]
    for path in sorted({found["path"].rstrip("/") for text in texts for found in _OUTWARD.finditer(text)}):
        linked = root / path
        if linked.is_dir():
            members = sorted(member for member in linked.iterdir() if member.is_file())
            for member in members:
                files.append(_copied(config, root, member))
            files.append(_listing(config, path, members))
        elif linked.is_file():
            files.append(_copied(config, root, linked))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with such links led to the copies."""
    root = Path(config.config_file_path).parent
    up = "../" * page.file.src_uri.count("/")

    def led(found: re.Match[str]) -> str:
        path = found["path"].rstrip("/")
        name = f"{path}/index.md" if (root / path).is_dir() else _shown_name(path)
        return f"]({up}{PLACE}/{name}"

    return _OUTWARD.sub(led, markdown)


def _shown_name(path: str) -> str:
    # As text, a browser shows it; mkdocs would make a page of a .md, and most servers offer .yaml for download.
    return path if path.endswith((".json", ".txt")) else f"{path}.txt"


def _copied(config: MkDocsConfig, root: Path, linked: Path) -> File:
    name = _shown_name(linked.relative_to(root).as_posix())
    return File.generated(config, f"{PLACE}/{name}", content=linked.read_bytes())


def _listing(config: MkDocsConfig, path: str, members: list[Path]) -> File:
    lines = [f"- [{member.name}]({Path(_shown_name(member.name)).name})" for member in members]
    text = "\n".join((f"# {path}", "", *lines, ""))
    inclusion = InclusionLevel.NOT_IN_NAV
    return File.generated(config, f"{PLACE}/{path}/index.md", content=text, inclusion=inclusion)
