"""Handlers that block, and one that burns CPU, do not keep the others waiting."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kit.server import ROOT, ServerProcess
from tests.load.echo_clients import BLOCK, BLOCKED, ECHOES_EACH, ECHOING

APP = Path(__file__).with_name("app.py")
LIMIT = 0.3


def measure(server: ServerProcess) -> dict[str, Any]:
    """The load comes from another process, so that it does not compete with this one for an interpreter."""
    argv = [sys.executable, "-m", "tests.load.echo_clients", str(server.address[1])]
    run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]


def report(name: str, times: list[float]) -> str:
    shown = [f"p{share:g} {percentile(times, share / 100) * 1000:.0f} ms" for share in (50, 90, 99)]
    return f"{name}: {len(times)}, {', '.join(shown)}, at most {max(times) * 1000:.0f} ms"


def test_echoes_are_prompt_while_fifty_handlers_block_and_one_burns() -> None:
    with ServerProcess.script(APP) as server:
        figures = measure(server)
    events, acks = figures["events"], figures["acks"]
    print(report("events", events), report("acks", acks), sep="\n")
    assert figures["lanes"] == ["FastWebSocket"]
    assert len(events) == len(acks) == figures["sent"] == ECHOING * ECHOES_EACH
    assert percentile(events, 0.99) < LIMIT
    assert percentile(acks, 0.99) < LIMIT
    # The handlers were busy all the while, and not one after the other.
    assert len(figures["handlers_ended"]) == BLOCKED + 1
    assert figures["last_echo"] < min(figures["handlers_ended"])
    assert max(figures["handlers_ended"]) < figures["first_echo"] + BLOCK + 1
