"""What a program says when it starts, or cannot."""

import asyncio
import json
import re
import socket
import ssl
import sys
import urllib.request
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.client import connect

from tests.kit import warm
from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess

PROGRAM = """
import os
from flask import Flask, render_template
from flask_socketio import SocketIO
app = Flask(__name__{flask})
socketio = SocketIO(app)

@app.get("/")
def index():
    return render_template("index.html")

if __name__ == "__main__":
    socketio.run(app, {run})
"""


@pytest.fixture
def program(tmp_path: Path):
    def write(run: str = "port=0", flask: str = "") -> Path:
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.format(run=run, flask=flask))
        return path

    return write


def failure(path: Path) -> str:
    """What a program that cannot start says; it ends at once, with 1 and without a traceback."""
    done = warm.run([sys.executable, str(path)])
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_a_port_in_use(program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = failure(program(f"port={port}"))
    assert said.startswith(f"Port {port} is in use by another program")
    assert f"port={port + 1}" in said
    assert len(said.splitlines()) == 1


def test_a_port_in_use_in_debug_mode_is_said_once(program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        said = failure(program(f"port={other.getsockname()[1]}, debug=True"))
    assert len(said.splitlines()) == 1


def test_a_host_that_is_not_ours(program) -> None:
    assert failure(program("host='203.0.113.1', port=0")).startswith(
        "'203.0.113.1' is no address of this machine"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "certfile='none.pem', keyfile='none.key'",
            "The certificate file 'none.pem' does not exist",
        ),
        ("ssl_context=('none.pem', 'none.key')", "The certificate file 'none.pem' does not exist"),
        ("certfile=__file__, keyfile='none.key'", "The key file 'none.key' does not exist"),
        ("certfile=__file__", "is not in PEM form"),
        ("keyfile=__file__", "is given without a certfile"),
    ],
)
def test_a_certificate_that_cannot_be_used(program, arguments: str, said: str) -> None:
    assert said in failure(program(f"port=0, {arguments}"))


def test_a_template_folder_that_is_not_there(program) -> None:
    with ServerProcess.script(program()) as server:
        assert server.get("/").status == 500
        assert re.search(
            r"There is no template folder '.*templates': make it .* 'index.html' was asked for",
            server.log,
        )


def test_a_named_template_folder_that_is_not_there_is_said_at_once(program) -> None:
    with ServerProcess.script(program(flask=", template_folder='pages'")) as server:
        assert re.search(r"There is no template folder '.*pages'", server.log)


def test_an_option_that_nobody_knows_is_named(program) -> None:
    with ServerProcess.script(program("port=0, prot=1")) as server:
        assert "run() has no option 'prot'" in server.log


def test_every_address_is_listed(program) -> None:
    with ServerProcess.script(program("host='0.0.0.0', port=0")) as server:
        port = server.address[1]
        server.wait_for_log(re.compile("CTRL"), WAIT)
        assert " * Running on all addresses (0.0.0.0)\n" in server.log
        assert f" * Running on http://127.0.0.1:{port}/" in server.log
        assert server.log.count("CTRL+C") == 1


async def _connects(url: str, trust: ssl.SSLContext) -> None:
    """By asyncio: two threads on one TLS connection stand still now and then."""
    async with connect(url, ssl=trust) as websocket:
        assert str(await websocket.recv()).startswith("0{")
        await websocket.send("40")
        assert str(await websocket.recv()).startswith('40{"sid":')


@pytest.mark.parametrize("way", ["files", "pair", "context"])
def test_tls(program, tmp_path: Path, way: str) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = f"'{tmp_path}/cert.pem', '{tmp_path}/key.pem'"
    arguments = {
        "files": f"certfile='{tmp_path}/cert.pem', keyfile='{tmp_path}/key.pem'",
        "pair": f"ssl_context=({files})",
        "context": "ssl_context=context",
    }[way]
    path = program(f"port=0, {arguments}")
    path.write_text(
        "import ssl\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        f"context.load_cert_chain({files})\n" + path.read_text()
    )
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with ServerProcess.script(path) as server:
        url = f"127.0.0.1:{server.address[1]}/socket.io/?EIO=4&transport="
        assert f" * Running on https://127.0.0.1:{server.address[1]}/" in server.log
        with urllib.request.urlopen(f"https://{url}polling", context=trust) as answer:
            assert json.loads(answer.read()[1:])["upgrades"] == ["websocket"]
        asyncio.run(_connects(f"wss://{url}websocket", trust))
