"""How many tokens a second the gateway gives, beside a bare uvicorn handler and a Node Express server."""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import jwt
from figures import Figure
from gateway_speed import fleet
from gateway_speed.load import rate
from gateway_speed.stage import Server, Stage, StageFailed, bench_environment, known, until_answers
from local_livekit import API_KEY, API_SECRET
from operator_speed.stage import cpu_seconds
from processes import free_port
from voiceagent_sandbox.paths import REPO

ROUNDS = 3
SECONDS = 4.0
PODS = 5
CAPACITY = 1_000_000
"""Calls that each pod takes at once: nobody is to be refused."""
OF_BARE = 0.6
BARE = "bare uvicorn handler"
BARE_AS_GATEWAY = "bare uvicorn handler that signs as the gateway"
NODE = "Node Express"
TOKEN = f"/token?agent={fleet.NAMESPACE}/{fleet.AGENT}"
EXPRESS = Path(__file__).parent / "express"
FETCH_SECONDS = 300.0


def figures(stage: Stage) -> list[Figure]:
    """The three rates, in turn so that a machine that slows down slows all of them, and their ratios."""
    rates: dict[str, list[float]] = {}
    express = _express_folder()
    with (
        stage.workers(PODS, CAPACITY),
        stage.gateway() as gateway,
        _bare(stage, "livekit-api") as bare,
        _bare(stage, "gateway") as bare_as_gateway,
        _node(stage, express) if express else nullcontext() as node,
    ):
        known(gateway, PODS)
        _check_same(gateway, bare, bare_as_gateway)
        for _ in range(ROUNDS):
            _measure(rates, "gateway", gateway)
            _measure(rates, BARE, bare)
            _measure(rates, BARE_AS_GATEWAY, bare_as_gateway)
            if node is not None:
                _measure(rates, NODE, node)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    made = [Figure(f"tokens: {name}, one core", value, "1/s") for name, value in middle.items()]
    goals = {BARE: OF_BARE, BARE_AS_GATEWAY: None, NODE: 1.0}
    return made + [
        Figure(f"tokens: gateway to {name}", middle["gateway"] / middle[name], "", goal, at_least=True)
        for name, goal in goals.items()
        if name in middle
    ]


def _measure(rates: dict[str, list[float]], name: str, server: Server) -> None:
    pid = server.process.pid
    found, bodies = asyncio.run(rate(server.port, server.request(TOKEN), SECONDS, lambda: cpu_seconds(pid)))
    tokens = {_claims(body)["video"]["room"] for body in bodies}
    if len(tokens) != len(bodies):
        raise StageFailed(f"{name} gave two tokens for one room")
    rates.setdefault(name, []).append(found)


def _claims(body: bytes) -> dict[str, dict[str, str]]:
    claims: dict[str, dict[str, str]] = jwt.decode(json.loads(body)["token"], API_SECRET, algorithms=["HS256"])
    return claims


def _check_same(*servers: Server) -> None:
    """All sign the same claims, but for names, times and the order."""
    shapes = [_shape(_claims(server.get(TOKEN))) for server in servers]
    if any(shape != shapes[0] for shape in shapes):
        raise StageFailed(f"not the same claims are signed: {shapes}")


def _shape(claims: dict[str, dict[str, str]]) -> list[str]:
    return sorted([*claims, *claims["video"]])


@contextmanager
def _bare(stage: Stage, signer: str) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "gateway_speed.bare", str(port), signer]
    with stage.server("bare", command, port, bench_environment()) as server:
        until_answers(server, TOKEN)
        yield server


@contextmanager
def _node(stage: Stage, folder: Path) -> Iterator[Server]:
    port = free_port()
    environment = {
        **os.environ,
        "NODE_ENV": "production",
        "PORT": str(port),
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "LIVEKIT_URL": fleet.LIVEKIT_URL,
        "AGENT_NAME": fleet.AGENT_NAME,
    }
    with stage.server("node", ["node", str(folder / "server.mjs")], port, environment) as server:
        until_answers(server, TOKEN)
        yield server


def _express_folder() -> Path | None:
    """The Express server with its packages, in build/; None where there is no Node."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("Node is missing: the Express server is left out. Install Node 20.19 or newer to have it measured.")
        return None
    folder = REPO / "build" / "bench" / "express"
    shutil.copytree(EXPRESS, folder, dirs_exist_ok=True)
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    if not _fetched(folder):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        if done.returncode:
            raise StageFailed(f"npm could not fetch the Express server's packages:\n{done.stderr[-2000:]}")
        shutil.copy(folder / "package-lock.json", folder / "node_modules" / ".from-lock")
    return folder


def _fetched(folder: Path) -> bool:
    marker = folder / "node_modules" / ".from-lock"
    return marker.exists() and marker.read_bytes() == (folder / "package-lock.json").read_bytes()
