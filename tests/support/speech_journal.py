"""What the sandbox's language model wrote, by the journal of the speech server."""

import httpx


def start_journal(web: httpx.Client) -> None:
    """Forget earlier calls, and let no script answer in the model's place."""
    web.delete("/sandbox/script").raise_for_status()
    web.delete("/sandbox/journal").raise_for_status()


def written_by_model(web: httpx.Client) -> list[str]:
    """Every answer since the journal was started, oldest first; fails if one came from a script."""
    params = {"kind": "llm", "limit": "200"}
    entries = web.get("/sandbox/journal", params=params).raise_for_status().json()["entries"]
    assert not [entry for entry in entries if entry.get("scripted")], entries
    return [entry["text"] for entry in entries if entry["text"].strip()]


def same_words(shown: str, written: str) -> bool:
    """Whether what was shown to the caller is what the model wrote, but for white space.

    An answer that the caller cut short is the start of what was written; one of several tool steps holds more.
    """
    left, right = " ".join(shown.split()), " ".join(written.split())
    return bool(left and right) and (left in right or right in left)
