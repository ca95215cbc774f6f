"""`python -m voiceagent_sandbox up|down|status|logs|…`"""

import argparse
import sys

from voiceagent_sandbox.install import ADDRESS
from voiceagent_sandbox.paths import REPO, default_paths
from voiceagent_sandbox.process import SandboxError
from voiceagent_sandbox.sandbox import Sandbox, current_environment

COMMANDS = {
    "up": "bring the whole system up on this machine",
    "down": "take it down; nothing stays but the cache",
    "status": "show nodes, pods and VoiceAgents",
    "logs": "show the logs of a part: operator, gateway, agents, livekit, speech or traefik",
    "servers": "have the servers of the integration tests; prints their folder",
    "simulation-servers": "have those of a simulated day: a control plane with a scheduler, and kwok",
    "helm": "have helm; prints where it is",
    "images": "build every image and tell its size; `images save` also writes them to build/images",
    "client": "build the web client's files",
    "client-test": "check and test the web client's modules",
    "python-venv": "have Python's venv module",
    "machine": "have what the tests need of this machine: Docker, debootstrap, Chromium",
    "cache": "`cache clear` empties the cache",
}


def main(arguments: list[str]) -> int:
    """Run one command; the exit code is 0, 1 for a failure that a sentence explains, or 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="voiceagent_sandbox",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"  {name:20}{text}" for name, text in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("what", nargs="?", default="")
    chosen = parser.parse_args(arguments)
    environ = current_environment()
    sandbox = Sandbox(default_paths(environ), environ)
    try:
        match chosen.command:
            case "up":
                sandbox.up()
                print(f"The sandbox is up: {ADDRESS}\nexport KUBECONFIG={sandbox.paths.kubeconfig}")
            case "down":
                sandbox.down()
            case "status":
                print(sandbox.status())
            case "logs":
                print(sandbox.logs(chosen.what or "operator"))
            case "servers":
                print(sandbox.integration_servers())
            case "simulation-servers":
                print(sandbox.simulation_servers())
            case "helm":
                print(sandbox.helm())
            case "images":
                if chosen.what not in ("", "save"):
                    raise SandboxError("Did you mean `images save`?")
                print(sandbox.images(REPO / "build" / "images", save=chosen.what == "save"))
            case "client":
                sandbox.client()
            case "client-test":
                print(sandbox.check_client())
            case "python-venv":
                sandbox.python_venv()
            case "machine":
                sandbox.machine()
            case "cache":
                if chosen.what != "clear":
                    raise SandboxError("Did you mean `cache clear`?")
                sandbox.clear_cache()
    except SandboxError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. Run it again to go on from here, or `make demo-down` to take all away.",
            file=sys.stderr,
        )
        return 130
    finally:
        if sandbox.progress.seconds:
            last = REPO / "build" / "sandbox" / f"{chosen.command}.json"
            sandbox.progress.save(last)
            if chosen.command == "up":
                sandbox.progress.save_first(sandbox.paths.cache / "first-times.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
