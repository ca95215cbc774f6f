"""Asks each address until it answers well: `ask.py SECONDS URL…`. Exit code 1 with what the first one said last."""

import sys
import time
import urllib.request

PAUSE_SECONDS = 1
ANSWER_SECONDS = 5


def ask(url: str) -> str:
    """What is wrong with the address, or nothing."""
    try:
        # Services of the cluster, whatever proxy the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=ANSWER_SECONDS):
            return ""
    except OSError as error:
        return str(error)


end = time.monotonic() + float(sys.argv[1])
for url in sys.argv[2:]:
    while problem := ask(url):
        if time.monotonic() > end:
            sys.exit(f"{url} does not answer: {problem}. See `kubectl logs` of the pods behind it.")
        time.sleep(PAUSE_SECONDS)
    print(f"{url} answers")
