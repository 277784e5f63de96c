"""A Unix socket, as behind nginx: uvicorn serves it, through the standard lane."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
from websockets.sync.client import unix_connect

from tests.kit.server import ROOT, START_DEADLINE


def test_both_transports_over_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    command = [sys.executable, "-m", "uvicorn", "--uds", path, "tests.clients.app:asgi"]
    with (
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server,
        ExitStack() as stack,
    ):
        stack.callback(server.terminate)
        deadline = time.monotonic() + START_DEADLINE
        while not Path(path).exists():
            assert time.monotonic() < deadline, "uvicorn does not listen"
            time.sleep(0.02)
        query = "/socket.io/?EIO=4&transport="
        with httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://x") as client:
            assert client.get(query + "polling").text.startswith("0{")
        with unix_connect(path, f"ws://x{query}websocket") as websocket:
            assert websocket.recv().startswith("0{")
            websocket.send("40")
            assert websocket.recv().startswith('40{"sid":')
            websocket.send('421["lane"]')
            while not (answer := websocket.recv()).startswith("431"):
                pass
            assert answer == '431["AsgiWebSocket"]'
        server.terminate()
        assert "Traceback" not in server.stderr.read()
