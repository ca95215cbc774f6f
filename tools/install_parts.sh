#!/bin/sh
# Makes wheels of the project's own parts and puts them into an image's environment: install_parts.sh FOLDER...
set -eu
cd /src
for part; do
    (cd "$part" && hatchling build -t wheel -d /src/wheels)
done
# hashes are for what comes from elsewhere
UV_REQUIRE_HASHES=0 uv pip install -q --no-deps --offline wheels/*.whl
