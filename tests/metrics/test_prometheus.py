"""Prometheus itself fetches the numbers, by the configuration in deploy/, and answers an expression of the board."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from tests.kit.missing import skip_or_fail
from tests.kit.neighbour import OrderedClient
from tests.kit.ports import free_port
from tests.metrics.app import TOKEN
from tests.metrics.served import app_process
from tests.metrics.test_deploy import DEPLOY


@contextmanager
def prometheus(port_of_app: int, folder: Path) -> Iterator[str]:
    """One that fetches from the app, by the second; its URL."""
    program = shutil.which("prometheus")
    if program is None:
        skip_or_fail("Prometheus is not installed: Debian's package prometheus")
    (folder / "token").write_text(TOKEN)
    text = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    for there, here in (
        ("/etc/prometheus/socketio.token", str(folder / "token")),
        ("127.0.0.1:5000", f"127.0.0.1:{port_of_app}"),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("scrape_timeout: 10s", "scrape_timeout: 1s"),
    ):
        assert there in text
        text = text.replace(there, here)
    (folder / "prometheus.yml").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def asked(url: str, expression: str) -> list[Any]:
    """What it answers once it knows something; an empty list before."""
    with suppress(OSError), urlopen(f"{url}/api/v1/query?query={quote(expression)}") as answer:
        return json.load(answer)["data"]["result"]
    return []


def test_it_fetches_them(tmp_path: Path) -> None:
    expression = "sum by (namespace, event) (socketio_events_handled_total)"
    with app_process() as server, prometheus(server.address[1], tmp_path) as url:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        assert client.call("soon", timeout=20) == "done"
        deadline = time.monotonic() + 60
        while not (found := asked(url, expression)):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert [(each["metric"], each["value"][1]) for each in found] == [
            ({"namespace": "/", "event": "soon"}, "1")
        ]
        client.disconnect()
