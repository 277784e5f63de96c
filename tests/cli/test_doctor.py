"""`flask socketio doctor` without a URL: the installation, and the application."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.findings import PATIENT, Findings, found_here
from tests.cli.terminal import FLASK, OURS, typed
from tests.kit.broker import redis_server
from tests.kit.ports import free_port
from tests.kit.server import ROOT


def with_options(folder: Path, **options: object) -> Findings:
    return found_here(folder, OPTIONS=json.dumps(options))


def test_all_is_well(tmp_path: Path) -> None:
    found = found_here(tmp_path)
    assert found.broken == set()
    assert "1 handlers" in found.text("handlers")
    assert "picows" in found.text("versions")
    for name in ("both-installed", "handlers", "secret-key", "origins", "queue"):
        assert found.severity(name) == "ok", found.text(name)


@pytest.mark.parametrize("program", [[*FLASK, "socketio"], OURS], ids=["flask", "python -m"])
def test_as_people_read_it(program: list[str], tmp_path: Path) -> None:
    words = program[:-1] if program[-1] == "socketio" else program
    command = ["--app", str(PATIENT), *(["socketio"] if words is not program else []), "doctor"]
    done = typed(tmp_path, *words, *command, env={"KEY": "secret!"})
    assert done.returncode == 0
    assert "warning  SECRET_KEY is short, or one of a tutorial" in done.stdout
    assert "         > python -c 'import secrets" in done.stdout
    assert re.search(r"^\d+ ok, (\d+ note, )?1 warning$", done.stdout, re.M)


# -- the application -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "secret!", "short"])
def test_secret_keys(tmp_path: Path, key: str) -> None:
    assert found_here(tmp_path, KEY=key).severity("secret-key") == "warning"


def test_any_origin(tmp_path: Path) -> None:
    assert with_options(tmp_path, cors_allowed_origins="*").severity("any-origin") == "warning"
    found = with_options(tmp_path, cors_allowed_origins=["https://example.com"])
    assert "https://example.com" in found.text("origins")


def test_the_queue_is_down(tmp_path: Path) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    found = with_options(tmp_path, message_queue=url)
    assert found.broken == {"queue"}
    assert "cannot be reached" in found.text("queue") and "secret" not in found.text("queue")


def test_the_queue_is_there(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with redis_server(tmp_path_factory) as url:
        found = with_options(tmp_path, message_queue=url, channel="blue")
    assert found.severity("queue") == "ok" and "channel blue" in found.text("queue")


def test_clients_that_the_usual_one_is_not(tmp_path: Path) -> None:
    found = with_options(tmp_path, serializer="msgpack", serve_client=False)
    assert "socket.io.msgpack.min.js" in found.text("msgpack")
    assert found.severity("client-script") == "note"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import flask\napp = flask.Flask('plain')\n", "no-socketio"),
        ("1 / 0\n", "application"),
    ],
)
def test_applications_that_are_broken(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "plain.py").write_text(text)
    assert found_here(tmp_path, "plain").broken == {name}


def test_without_handlers_and_patched(tmp_path: Path) -> None:
    (tmp_path / "green.py").write_text(
        "from gevent import monkey; monkey.patch_all()\n"
        "import flask, flask_socketio\n"
        "app = flask.Flask('green')\nflask_socketio.SocketIO(app)\n"
    )
    found = found_here(tmp_path, "green")
    assert found.severity("handlers") == found.severity("monkey-patched") == "warning"
    assert "gevent" in found.text("monkey-patched")


def test_without_an_application(tmp_path: Path) -> None:
    found = found_here(tmp_path, None)
    assert found.severity("no-application") == "note" and not found.broken


# -- the installation ------------------------------------------------------------------------------


def test_a_module_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "flask_socketio.py").write_text("")
    found = found_here(tmp_path, PYTHONPATH=str(tmp_path))
    assert found.broken == {"shadowed"}
    assert str(tmp_path / "flask_socketio.py") in found.text("shadowed")


def test_a_library_that_is_too_old(tmp_path: Path) -> None:
    folder = tmp_path / "picows-1.4.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: picows\nVersion: 1.4\n")
    found = found_here(tmp_path, PYTHONPATH=str(tmp_path))
    assert found.broken == {"requirement"}
    assert "picows 1.4 is too old" in found.text("requirement")
    assert "pip install 'picows>=" in found.text("requirement")


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_few_descriptors(tmp_path: Path) -> None:
    command = [
        "sh",
        "-c",
        'ulimit -n 256 && exec "$0" "$@"',
        *FLASK,
        "socketio",
        "doctor",
        "--json",
    ]
    done = typed(tmp_path, *command)
    assert "256 file descriptors" in Findings(done.returncode, done.stdout).text("descriptors")


# -- the page that explains them -------------------------------------------------------------------


def names() -> set[str]:
    """Those of all findings, as the code has them."""
    made = re.compile(r"\b(?:ok|note|warning|broken)\(\s*\"([\w-]+)\"")
    folder = ROOT / "src/flask_duplex"
    paths = [*folder.glob("doctor/*.py"), folder / "cli/doctor.py"]
    return {name for path in paths for name in made.findall(path.read_text())} | {"both-installed"}


def test_each_is_explained() -> None:
    page = (ROOT / "docs/cli.md").read_text()
    explained = set(re.findall(r"`([a-z-]+)`", page.partition("### What it finds")[2]))
    assert names() - explained == set()
    assert len(names()) > 20
