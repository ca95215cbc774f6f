"""`python -m voiceagent_cli`."""

import sys

from voiceagent_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
