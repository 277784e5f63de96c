"""nginx, HAProxy and Caddy, with the files of deploy/: their addresses alone are replaced."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path

from tests.kit.missing import skip_or_fail
from tests.kit.ports import free_port
from tests.kit.raw import Address
from tests.kit.server import ROOT, START_DEADLINE, ServerProcess

DEPLOY = ROOT / "deploy"
#: What includes nginx.conf, and keeps what it writes in a folder of its own.
NGINX = """\
daemon off;
pid {folder}/pid;
error_log stderr;
worker_processes 2;
worker_rlimit_nofile 4096;
{user}
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/app.conf;
}}
"""
CADDY_GLOBAL = "{\n\tadmin off\n\tauto_https off\n}\n"
CADDY_SITE = "app.example {"


def program_of(name: str) -> str:
    found = shutil.which(name, path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    if found is None:
        skip_or_fail(f"{name} is not installed: apt install {name}")
    return found


class Proxy(ServerProcess):
    """`url` is for clients that do not encrypt, `tls_url` for those that do."""

    ports: tuple[int, int]

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.ports[1]}"

    def wait_until_it_listens(self) -> Address:
        deadline = time.monotonic() + START_DEADLINE
        address = ("127.0.0.1", self.ports[0])
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(address) == 0:
                    return address
            assert self.alive() and time.monotonic() < deadline, self.log
            time.sleep(0.02)


def nginx_with(folder: Path) -> list[str]:
    """The command line's arguments for nginx with `app.conf`, which is in the folder."""
    main = folder / "main.conf"
    user = "user root;" if os.getuid() == 0 else ""
    main.write_text(NGINX.format(folder=folder, user=user))
    return ["-e", "stderr", "-p", str(folder), "-c", str(main)]


class Front(Proxy):
    def __init__(self, name: str, target: Address, folder: Path, pem: Path) -> None:
        program = program_of(name)
        self.ports = free_port(), free_port()
        ways = {"nginx": self._nginx, "haproxy": self._haproxy, "caddy": self._caddy}
        arguments = ways[name](target, folder, pem)
        # Where Caddy keeps what it remembers.
        env = {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        super().__init__([program, *arguments], env)

    def _nginx(self, target: Address, folder: Path, pem: Path) -> list[str]:
        self._fill(
            "nginx.conf",
            folder / "app.conf",
            {
                "127.0.0.1:5000": "{}:{}".format(*target),
                "listen 80;": f"listen 127.0.0.1:{self.ports[0]};",
                "listen 443 ssl;": f"listen 127.0.0.1:{self.ports[1]} ssl;",
                "/etc/ssl/app.pem": str(pem),
                "/etc/ssl/app.key": str(pem),
            },
        )
        return nginx_with(folder)

    def _haproxy(self, target: Address, folder: Path, pem: Path) -> list[str]:
        config = folder / "haproxy.cfg"
        self._fill(
            "haproxy.cfg",
            config,
            {
                "127.0.0.1:5000": "{}:{}".format(*target),
                "bind :80\n": f"bind 127.0.0.1:{self.ports[0]}\n",
                "bind :443": f"bind 127.0.0.1:{self.ports[1]}",
                "/etc/ssl/app.pem": str(pem),
            },
        )
        return ["-f", str(config)]

    def _caddy(self, target: Address, folder: Path, pem: Path) -> list[str]:
        """The file's site twice, for it has a name and no certificate to fetch here."""
        config = folder / "Caddyfile"
        self._fill("Caddyfile", config, {"127.0.0.1:5000": "{}:{}".format(*target)})
        text = config.read_text()
        assert text.count(CADDY_SITE) == 1
        plain = text.replace(CADDY_SITE, f"http://127.0.0.1:{self.ports[0]} {{")
        tls = f"https://127.0.0.1:{self.ports[1]} {{\n\ttls {pem} {pem}"
        config.write_text(CADDY_GLOBAL + plain + text.replace(CADDY_SITE, tls))
        return ["run", "--config", str(config), "--adapter", "caddyfile"]

    @staticmethod
    def _fill(name: str, path: Path, replaced: dict[str, str]) -> None:
        text = (DEPLOY / name).read_text()
        for old, new in replaced.items():
            assert text.count(old) == 1, f"deploy/{name}: {old!r}"
            text = text.replace(old, new)
        path.write_text(text)
