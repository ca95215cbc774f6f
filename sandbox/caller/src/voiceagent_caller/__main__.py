"""Runs the command line of the package."""

import sys

from voiceagent_caller.cli import main

if __name__ == "__main__":
    sys.exit(main())
