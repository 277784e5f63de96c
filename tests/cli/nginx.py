"""nginx with a configuration that people write: right ones, and those that lack a line."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from tests.kit.ports import free_port
from tests.kit.raw import Address
from tests.kit.server import START_DEADLINE, ServerProcess
from tests.proxies.fronts import NGINX, program_of

#: what lets WebSocket through
UPGRADE = """\
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
"""
HOST = "proxy_set_header Host $http_host;\n"


class Nginx(ServerProcess):
    """`locations` is what stands in the server's block, `before` what stands before it."""

    def __init__(self, folder: Path, locations: str, before: str = "") -> None:
        program = program_of("nginx")
        self.port = free_port()
        (folder / "app.conf").write_text(
            f"{before}\nserver {{ listen 127.0.0.1:{self.port};\n{locations}\n}}"
        )
        main = folder / "main.conf"
        user = "user root;" if os.getuid() == 0 else ""
        main.write_text(NGINX.format(folder=folder, user=user))
        super().__init__([program, "-e", "stderr", "-p", str(folder), "-c", str(main)])

    def wait_until_it_listens(self) -> Address:
        deadline = time.monotonic() + START_DEADLINE
        address = ("127.0.0.1", self.port)
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(address) == 0:
                    return address
            assert self.alive() and time.monotonic() < deadline, self.log
            time.sleep(0.02)


def passing(server: ServerProcess, lines: str, path: str = "/", rest: str = "") -> str:
    """A location that passes on to a server, with some lines; `rest` is the URI it passes."""
    return f"location {path} {{ proxy_pass {server.url}{rest};\n{lines} }}"
