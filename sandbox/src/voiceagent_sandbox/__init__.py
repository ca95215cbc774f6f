"""The whole system on one machine with no account: kind, LiveKit, speech and language models.

Only the standard library is used here, so that `python -m voiceagent_sandbox` runs before anything is installed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (an older Python comes as far as this line, and no further)
    sys.exit("Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 …")
