"""Blocks about serving, with other ports and files."""

from __future__ import annotations

import os
import ssl
import urllib.request
from pathlib import Path

from tests.docs.pages import block
from tests.docs.test_serving_commands import APP
from tests.kit.daemons import Certificates
from tests.kit.neighbour import PatientSimpleClient
from tests.kit.ports import free_port
from tests.kit.server import ServerProcess
from tests.proxies.fronts import NGINX, Front, program_of


def served(text: str, folder: Path) -> ServerProcess:
    """The app of `module.py`, then this."""
    program = folder / "module.py"
    program.write_text(f'{APP}\nif __name__ == "__main__":\n    {text}', encoding="utf-8")
    return ServerProcess.script(program)


def test_it_serves_with_tls(tmp_path: Path) -> None:
    files = Certificates(tmp_path)
    text = block("docs/serving.md", "certfile=")
    text = text.replace("0.0.0.0", "127.0.0.1").replace("8000", "0")
    text = text.replace("cert.pem", str(files.chain)).replace("key.pem", str(files.key))
    with served(text, tmp_path) as server:
        context = ssl.create_default_context(cafile=str(files.authority))
        url = server.url.replace("http:", "https:") + "/socket.io/socket.io.min.js"
        with urllib.request.urlopen(url, context=context, timeout=30) as answer:
            assert answer.status == 200


def test_four_workers_serve(tmp_path: Path) -> None:
    text = block("docs/serving.md", "socketio.run(app, workers=4)").replace("4)", "4, port=0)")
    with served(text, tmp_path) as server, PatientSimpleClient() as client:
        client.connect(server.url)
        assert client.call("add", (1, 2), timeout=30) == 3


class Nginx(Front):
    """With a `location` of a page's."""

    def __init__(self, location: str, folder: Path) -> None:
        self.ports = free_port(), 0
        server = f"server {{ listen 127.0.0.1:{self.ports[0]};\n{location}}}\n"
        (folder / "app.conf").write_text(server)
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "main.conf").write_text(NGINX.format(folder=folder, user=user))
        arguments = ["-e", "stderr", "-p", str(folder), "-c", str(folder / "main.conf")]
        ServerProcess.__init__(self, [program_of("nginx"), *arguments])


def test_nginx_passes_the_upgrade_on(tmp_path: Path) -> None:
    text = block("docs/troubleshooting.md", "proxy_set_header Upgrade")
    with served("socketio.run(app, port=0)", tmp_path) as server:
        location = text.replace("127.0.0.1:5000", "{}:{}".format(*server.address))
        with (
            Nginx(location, tmp_path) as nginx,
            PatientSimpleClient() as client,
        ):
            client.connect(nginx.url, transports=["websocket"])
            assert client.transport == "websocket"
            assert client.call("add", (1, 2), timeout=30) == 3
