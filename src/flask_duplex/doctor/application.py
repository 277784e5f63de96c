"""The application: what it has told its SocketIO, and whether that can work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from .finding import Findings, broken, note, ok, warning

if TYPE_CHECKING:
    from flask_socketio import SocketIO

#: What stands in tutorials.
_KNOWN_KEYS = {
    "secret", "secret!", "secret_key", "dev", "development", "changeme", "change-me", "change_me", "mysecret",
    "mysecretkey", "my_secret_key", "your_secret_key", "your-secret-key", "supersecret", "super secret key",
    "super-secret", "vnkdjnfjknfl1232#", "test", "testing", "password", "key", "123456",
    "for development only",
}  # fmt: skip
_SHORTEST_KEY = 16


def examine_application(app: Flask) -> Findings:
    """Its own faults; the installation has been looked at."""
    from flask_socketio import SocketIO

    socketio = app.extensions.get("socketio")
    if not isinstance(socketio, SocketIO):
        yield broken(
            "no-socketio",
            f"the application {app.name!r} has no SocketIO",
            "SocketIO(app), or socketio.init_app(app) where a function makes it",
        )
        return
    yield from _handlers(app, socketio)
    yield from _threads()
    yield from _secret_key(app)
    yield from _debug(app)
    options = socketio.server_options
    yield from _origins(options)
    yield from _queue(options)
    yield from _clients(options)


def _handlers(app: Flask, socketio: SocketIO) -> Findings:
    count = len(socketio.handlers) + len(socketio.namespace_handlers)
    if count:
        yield ok("handlers", f"application {app.name!r}: {count} handlers and namespaces")
    else:
        yield warning(
            "handlers",
            f"the application {app.name!r} has registered no handlers: its clients' events go nowhere",
            "import the module that has them where the application is made, "
            "and decorate with the SocketIO that the application was given to",
        )


def _threads() -> Findings:
    from flask_socketio.base.real import patched_by

    if (library := patched_by()) is not None:
        yield warning(
            "monkey-patched",
            f"{library} has replaced Python's threads: a handler that computes, or waits for what is not green, holds "
            "up all others",
            f"delete the monkey patching and the import of {library}: handlers have real threads",
        )


def _secret_key(app: Flask) -> Findings:
    key = app.secret_key
    mend = "python -c 'import secrets; print(secrets.token_hex(32))', kept outside of the code"
    if not key:
        yield warning(
            "secret-key", "there is no SECRET_KEY: views that write to session fail", mend
        )
    elif len(key) < _SHORTEST_KEY or str(key).lower() in _KNOWN_KEYS:
        yield warning(
            "secret-key",
            "SECRET_KEY is short, or one of a tutorial: whoever guesses it is logged in as anybody",
            mend,
        )
    else:
        yield ok("secret-key", f"SECRET_KEY has {len(key)} characters")


def _debug(app: Flask) -> Findings:
    if app.debug:
        yield note(
            "debug", "debug mode is on: pages that fail show code", "in production: --no-debug"
        )


def _origins(options: dict[str, Any]) -> Findings:
    allowed = options.get("cors_allowed_origins")
    names: list[str] = [] if allowed is None or callable(allowed) else _as_list(allowed)
    if "*" in names:
        yield warning(
            "any-origin",
            "cors_allowed_origins='*': any page that a logged-in user opens may connect as that user",
            "leave it out (the server's own pages may connect), or name the others: "
            "cors_allowed_origins=['https://example.com']",
        )
    elif allowed is None:
        yield ok("origins", "pages of the server's own host may connect")
    elif callable(allowed):
        yield ok("origins", "a function of the application decides which pages may connect")
    else:
        yield ok("origins", f"pages that may connect: {', '.join(names) or 'any'}")


def _as_list(allowed: Any) -> list[str]:
    return [allowed] if isinstance(allowed, str) else list(allowed)


def _queue(options: dict[str, Any]) -> Findings:
    queue = options.get("client_manager")
    if queue is None:
        yield ok(
            "queue",
            "no message queue: the workers of one server find each other, and nothing else reaches their clients",
        )
        return
    shown, channel = f"message queue {queue.shown}", queue.channel
    try:
        list(queue.send([]))
    except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
        text = " ".join(queue.shown.text(error).split())
        yield broken(
            "queue",
            f"{shown} cannot be reached: {text}",
            "start the broker, or correct message_queue=; clients of other processes get nothing meanwhile",
        )
    else:
        yield ok("queue", f"{shown} is there, channel {channel}")


def _clients(options: dict[str, Any]) -> Findings:
    if options.get("serializer") == "msgpack":
        yield note(
            "msgpack",
            "serializer='msgpack': the usual client does not understand it",
            "<script src='/socket.io/socket.io.msgpack.min.js'></script>",
        )
    if not options.get("serve_client", True):
        yield note("client-script", "serve_client=False: pages need a client of their own")
