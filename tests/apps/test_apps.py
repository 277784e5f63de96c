"""Applications written for Flask-SocketIO: what their clients receive, in exact order.

The transcripts in transcripts/ are those of the original; `make compat` has it play every scenario again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apps.scenarios import APPS
from tests.apps.session import Session
from tests.kit.server import ServerProcess

HERE = Path(__file__).parent
PYTHONS = {"ours": sys.executable}
if original := os.environ.get("ORIGINAL_PYTHON"):
    PYTHONS["original"] = original


RUNS = [(name, transport) for name, app in APPS.items() for transport in app.transports]


@pytest.mark.parametrize(("app", "transport"), RUNS)
@pytest.mark.parametrize("implementation", PYTHONS)
def test_transcript(implementation: str, app: str, transport: str) -> None:
    with ServerProcess([PYTHONS[implementation], str(HERE / APPS[app].script)]) as server:
        session = Session(server, transport)
        try:
            APPS[app].run(session)
        finally:
            for client in session.clients:
                client.close()
    expected = HERE / "transcripts" / f"{app}.txt"
    if implementation == "original" and os.environ.get("RECORD") == "1":
        expected.write_text(session.transcript())
    assert session.transcript() == expected.read_text()


@pytest.mark.parametrize("implementation", PYTHONS)
def test_an_applications_own_tests(implementation: str) -> None:
    ended = subprocess.run(
        [PYTHONS[implementation], "-m", "pytest", "--rootdir", str(HERE), "-q", "-p", "no:cacheprovider",
         "-c", os.devnull, "--noconftest", str(HERE / "guestbook_tests.py")],
        capture_output=True, text=True, check=False, timeout=50, cwd=HERE,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "12 passed" in ended.stdout
