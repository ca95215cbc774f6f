"""Where the operator's files may not be."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_folder_named_operator_is_no_package_or_it_would_hide_the_standard_librarys_module() -> None:
    assert not (REPOSITORY / "operator" / "__init__.py").exists()
