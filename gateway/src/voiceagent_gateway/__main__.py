"""`python -m voiceagent_gateway`."""

import sys

from voiceagent_gateway.main import main

if __name__ == "__main__":
    sys.exit(main())
