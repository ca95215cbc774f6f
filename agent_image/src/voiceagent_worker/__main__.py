"""`python -m voiceagent_worker`."""

import sys

from voiceagent_worker.main import main

if __name__ == "__main__":
    sys.exit(main())
