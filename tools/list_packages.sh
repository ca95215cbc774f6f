#!/bin/sh
# Writes an image's SBOM and list of licences to /sbom: list_packages.sh IMAGE [OPTION OF tools/sbom]...
set -eu
image=$1
shift
/tools/bin/python /tools/sbom "voiceagent-operator/$image" --version "${VERSION:-0}" --root /runtime \
    --site-packages /venv/lib/python3*/site-packages --out /sbom "$@"
