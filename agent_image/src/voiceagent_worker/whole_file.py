"""Writes a file that others read meanwhile: they see the old one or the new one, never half of either."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once. For small ones, and one writer."""
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    part.replace(path)
