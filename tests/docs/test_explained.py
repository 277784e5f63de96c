"""No public name, option, extra or command that no page explains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from sphinx.util.inventory import InventoryFile

import flask_socketio
from flask_duplex.cli import socketio as commands
from flask_socketio import Namespace, SocketIO, SocketIOTestClient, errors
from flask_socketio.app.keywords import ADDRESS, RunOptions, SocketIOOptions
from flask_socketio.extension import DisconnectReason
from tests.docs.commands import project
from tests.docs.pages import ROOT, pages

#: where the reference has what stands in the package itself
FACE = "flask_socketio"
#: what looks public, and is one part of the package's to another
INNER = {
    "flask_socketio.SocketIOTestClient.receive",
    "flask_socketio.server.ServerFacade.ask",
    "flask_socketio.server.ServerFacade.ask_about",
    "flask_socketio.server.ServerFacade.ask_all",
    "flask_socketio.server.ServerFacade.ask_socket",
}


def public(thing: object, path: str) -> Iterator[str]:
    yield path
    yield from (f"{path}.{name}" for name in dir(thing) if not name.startswith("_"))


def public_names() -> set[str]:
    """As the reference calls them."""
    app = Flask("app")
    socketio = SocketIO(app)
    instances = [
        (socketio, f"{FACE}.SocketIO"),
        (socketio.server, f"{FACE}.server.ServerFacade"),
        (socketio.server.manager, f"{FACE}.server.ManagerFacade"),
        (socketio.server.eio, f"{FACE}.server.EngineFacade"),
        (socketio.cluster, f"{FACE}.runtime.status.ClusterFacade"),
        (socketio.sockio_mw, f"{FACE}.server.MiddlewareFacade"),
        (socketio.test_client(app), f"{FACE}.SocketIOTestClient"),
        (Namespace(), f"{FACE}.Namespace"),
        (DisconnectReason, f"{FACE}.extension.DisconnectReason"),
    ]
    faults = {
        f"{errors.__name__}.{name}"
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    functions = {f"{FACE}.{name}" for name in flask_socketio.__all__}
    found = {name for thing, path in instances for name in public(thing, path)}
    # Flask's own object, and the class of errors, have their places elsewhere.
    return (
        (found | faults | functions)
        - INNER
        - {
            f"{FACE}.request",
            f"{FACE}.ConnectionRefusedError",
        }
    )


def test_the_reference_has_every_public_name(site: Path) -> None:
    """Sphinx takes those that have a docstring."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    explained = {name for kind, names in inventory.data.items() if "py:" in kind for name in names}
    assert SocketIOTestClient.__name__ in str(explained)
    missing = public_names() - explained
    assert not missing, f"no docstring, or not in docs/reference/: {sorted(missing)}"


@cache
def text() -> str:
    return "\n".join(
        (ROOT / page).read_text(encoding="utf-8") for page in pages() if page.startswith("docs/")
    )


OPTIONS = {**SocketIOOptions.__annotations__, **RunOptions.__annotations__, **ADDRESS}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_page_explains_the_option(option: str) -> None:
    assert re.search(rf"`{option}(=[^`]*)?`", text())


@pytest.mark.parametrize("extra", project()["optional-dependencies"])
def test_a_page_says_what_the_extra_is_for(extra: str) -> None:
    assert re.search(rf"flask-duplex\[(\w+,)*{extra}[,\]]", text())


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_a_page_explains_the_command(command: str) -> None:
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert re.search(rf"`{command}`|socketio {command}\b", page)
