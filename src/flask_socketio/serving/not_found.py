"""What is said of requests that Flask answers with 404, and that were meant for us or for a file.

Looked at are those alone that have failed: nothing else is slower.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from flask import Flask, request

from .files import NAMES

logger = logging.getLogger("flask_socketio.server")

_NOT_FOUND = 404
#: Clients may ask for any path: so many are told of, cut to so many characters.
_MANY, _LENGTH = 20, 100

_WRONG_PATH = (
    "a Socket.IO client asks at %r, and it is %s that is served: give the client that path, "
    "io({path: %r}), or give SocketIO() the client's, path=%r"
)
_NOT_TAKEN_OFF = (
    "a Socket.IO client asks at %r, and it is %s that is served: a proxy that has the application below %r has to take "
    "that off, as nginx does with proxy_pass http://...:5000/; and ProxyFix(app.wsgi_app, x_prefix=1)"
)
_CLIENT_FILE = "the browser's client was asked for at %r: this server has it at %r"
_STATIC = "the static file %r was not found: it was looked for in %r%s"


class NotFoundHints:
    """Those of one application; `paths` are the paths that its instances of SocketIO have."""

    def __init__(self, app: Flask, paths: Callable[[], list[str]]) -> None:
        self._app = app
        self._paths = paths
        self._told: set[str] = set()
        self._handle: Callable[..., Any] = app.handle_http_exception
        cast(Any, app).handle_http_exception = self._handle_http_exception

    def _handle_http_exception(self, *args: Any, **kwargs: Any) -> Any:
        """In place of the application's method; the error is the last argument."""
        error = [None, *args, *kwargs.values()][-1]
        if getattr(error, "code", None) == _NOT_FOUND:
            self._look()
        return self._handle(*args, **kwargs)

    def _look(self) -> None:
        path = request.script_root + request.path
        paths, name = self._paths(), path.rpartition("/")[2]
        if not paths or path in self._told or len(self._told) >= _MANY:
            return
        shown = path[:_LENGTH]
        if b"EIO=" in request.query_string and b"transport=" in request.query_string:
            self._say(path, *_about_path(shown, paths))
        elif name in NAMES:
            self._say(path, _CLIENT_FILE, shown, paths[0] + name)
        elif (folder := self._static_folder()) is not None:
            missing = "" if Path(folder).is_dir() else ", and there is no such folder"
            file = str((request.view_args or {}).get("filename", name))
            self._say(path, _STATIC, file[:_LENGTH], folder, missing)

    def _static_folder(self) -> str | None:
        """Where a file was looked for, if it was a file of Flask's own route or of a blueprint's."""
        endpoint = request.endpoint or ""
        if endpoint == "static":
            return self._app.static_folder
        if endpoint == f"{request.blueprint}.static":
            return self._app.blueprints[request.blueprint or ""].static_folder
        return None

    def _say(self, path: str, text: str, *args: object) -> None:
        """Once for each path."""
        self._told.add(path)
        logger.warning(text, *args)


def _about_path(path: str, paths: list[str]) -> tuple[str, ...]:
    served = " or ".join(map(repr, paths))
    whole = path if path.endswith("/") else path + "/"
    for known in paths:
        if whole.endswith(known) and whole != known:
            return _NOT_TAKEN_OFF, path, served, whole.removesuffix(known)
    return _WRONG_PATH, path, served, paths[0], path
