"""`python -m voiceagent_operator`."""

import sys

from voiceagent_operator.main import main

sys.exit(main())
