#!/usr/bin/env -S python3 -SE
"""Stands before runc where the machine itself lacks CAP_SYS_RESOURCE, as some sandboxed machines do.

A privileged container asks for every capability, and runc fails on one that cannot be given. This takes that one
out of the container's config.json (`--bundle`) or process file (`--process`) and then becomes runc.
"""

import json
import os
import sys
from pathlib import Path

MISSING = "CAP_SYS_RESOURCE"


def without_missing(process: dict[str, object]) -> None:
    """Take the capability out of each of an OCI process's sets, in place."""
    capabilities = process.get("capabilities")
    if isinstance(capabilities, dict):
        for names in capabilities.values():
            if isinstance(names, list) and MISSING in names:
                names.remove(MISSING)


def main(arguments: list[str]) -> None:
    for at, word in enumerate(arguments[:-1]):
        if word in ("--bundle", "-b", "--process", "-p"):
            bundle = word in ("--bundle", "-b")
            file = Path(arguments[at + 1]) / "config.json" if bundle else Path(arguments[at + 1])
            spec = json.loads(file.read_text())
            without_missing(spec.get("process", {}) if bundle else spec)
            file.write_text(json.dumps(spec))
    os.execvp("runc", ["runc", *arguments])  # noqa: S606 (becomes runc)


if __name__ == "__main__":
    main(sys.argv[1:])
