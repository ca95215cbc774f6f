"""What the sandbox caches is named by its content, and kept where the user's rules say."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_sandbox.paths import content_hash, default_paths


def test_the_same_files_have_the_same_hash_in_another_clone(tmp_path: Path) -> None:
    for clone in ("one", "two"):
        (tmp_path / clone / "part").mkdir(parents=True)
        (tmp_path / clone / "part" / "file.py").write_text("x = 1")
    assert content_hash([tmp_path / "one" / "part"]) == content_hash([tmp_path / "two" / "part"])


def test_a_changed_byte_a_changed_name_and_a_changed_word_change_the_hash(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.mkdir()
    (part / "a").write_text("1")
    before = content_hash([part], "word")
    assert content_hash([part], "other") != before
    (part / "a").rename(part / "b")
    renamed = content_hash([part], "word")
    assert renamed != before
    (part / "b").write_text("2")
    assert content_hash([part], "word") not in (before, renamed)


def test_what_python_and_npm_leave_behind_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    before = content_hash([tmp_path])
    (tmp_path / "__pycache__" / "x.pyc").write_text("1")
    assert content_hash([tmp_path]) == before


@given(words=st.lists(st.text(max_size=5), max_size=4))
def test_two_lists_of_words_never_run_together(words: list[str]) -> None:
    assert content_hash([], *words) != content_hash([], *words, "")


def test_the_cache_follows_the_xdg_rules() -> None:
    paths = default_paths({"HOME": "/home/someone"})
    assert paths.cache == Path("/home/someone/.cache/voiceagent-operator")
    assert default_paths({"XDG_CACHE_HOME": "/big", "HOME": "/x"}).cache == Path("/big/voiceagent-operator")
