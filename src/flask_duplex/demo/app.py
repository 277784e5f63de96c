"""The demo's application: a chat, and an echo to measure with. Whatever a visitor sends is bounded."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files

from flask import Flask

from flask_socketio import SocketIO, emit, request

_LONGEST = 500  # characters of a line, and as many as the page's field takes


def make_demo() -> tuple[SocketIO, Flask]:
    """An application that needs no other file, and its SocketIO."""
    app = Flask("flask_duplex.demo", static_folder=None)
    socketio = SocketIO(app, health=True)
    page = (files("flask_duplex.demo") / "page.html").read_text(encoding="utf-8")
    page = page.replace("{version}", version("flask-duplex"))

    @app.get("/")
    def index() -> str:
        return page

    @socketio.on("echo")
    def echo() -> None:
        """Its ack comes back at once: what the page measures is the way there and back."""

    @socketio.on("say")
    def say(text: str) -> None:
        emit("said", {"from": request.sid[:4], "text": str(text)[:_LONGEST]}, broadcast=True)

    return socketio, app
