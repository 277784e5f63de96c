"""Tasks, threads, timers and green threads of an app in a patched process: clients receive what they always have.

life.txt is what they received from the original; `make compat` has it play again.
"""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deployment.deployed import Deployed
from tests.deployment.life import transcript
from tests.deployment.rows import ROWS, Row

EXPECTED = Path(__file__).with_name("life.txt")
IMPLEMENTATIONS = ["ours", "original"] if "ORIGINAL" in os.environ else ["ours"]
PATCHED = [row for row in ROWS if row.patched]


@pytest.mark.parametrize("queue", ["alone", "with a queue"])
@pytest.mark.parametrize("row", PATCHED, ids=lambda row: row.name)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_life(implementation: str, row: Row, queue: str, tmp_path: Path, redis_url: str) -> None:
    env = {"QUEUE": "", "CHANNEL": ""}
    if queue != "alone":
        env = {"QUEUE": redis_url, "CHANNEL": f"test-{uuid.uuid4().hex}"}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Deployed(row, tmp_path, implementation, "life", env))
            for _ in range(1 if queue == "alone" else 2)
        ]
        for transport in ("websocket", "polling"):
            seen = transcript(servers, transport)
            if implementation == "original" and os.environ.get("RECORD") == "1":
                EXPECTED.write_text(seen)
            assert seen == EXPECTED.read_text()
