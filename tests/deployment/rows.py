"""The command lines that apps are run by, what a client meets at each, and what docs/deployment.md says about it.

`wanted` is what our tests demand. `original` is what Flask-SocketIO does there, seen by the same tests (`make compat`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Cells(NamedTuple):
    """The transport that a client has in the end, by what it tries; "refused", or "fails" where it waits in vain."""

    polling: str
    websocket: str
    upgrade: str


ALL = Cells("polling", "websocket", "websocket")
POLLING = Cells("polling", "refused", "polling")
FAILS = Cells("fails", "fails", "fails")
REFUSED = Cells("refused", "refused", "refused")

THREADS = "gunicorn --threads 100"


@dataclass(frozen=True)
class Row:
    """A way to run an app."""

    #: as the docs show it; words before `module:app` and the like are the command line itself
    command: str
    wanted: Cells = ALL
    #: None: it cannot be run there
    original: Cells | None = ALL
    #: what the server's log has to name, in one line, once: what to use instead
    advice: str = ""
    remark: str = ""
    #: folders of packages in the environment: see pyproject.toml
    folders: tuple[str, ...] = ()
    #: the program in apps/, where the command is no command line, and its environment
    program: str = ""
    env: dict[str, str] = field(default_factory=dict[str, str])
    #: it closes connections after an answer without saying so, which browsers put up with and `requests` does not
    hangs_up: bool = False
    #: its clients' tasks are tried, alone and with a message queue: the process is patched
    patched: bool = False

    @property
    def name(self) -> str:
        """For the list of tests."""
        return self.command.replace("`", "")


GREEN = "Patching is not needed any more: `gunicorn --threads 100` does without"
ROWS = [
    Row("`socketio.run(app)`", program="app", remark="Recommended."),
    Row(
        "`socketio.run(app)` after `gevent.monkey.patch_all()`",
        folders=("gevent",),
        program="gevent_run",
        patched=True,
        remark="Patching is not needed any more.",
    ),
    Row(
        "`socketio.run(app)` after `eventlet.monkey_patch()`",
        folders=("eventlet",),
        program="eventlet_run",
        patched=True,
        remark="Patching is not needed any more.",
    ),
    Row("`flask --app module:app socketio run`", original=None, remark="As `socketio.run(app)`."),
    Row("`flask --app module:app run`", remark="For development."),
    Row("`flask --app module:app run --debug`", remark="For development."),
    Row(
        "`run_simple(..., app, threaded=True)`",
        program="simple",
        env={"THREADED": "1"},
        remark="As `app.run()`. For development.",
    ),
    Row(
        "`run_simple(..., app)`",
        original=FAILS,
        advice=THREADS,
        program="simple",
        remark="One request at a time, so polling is slow. For development: `threaded=True`.",
    ),
    Row("`gunicorn --threads 100 module:app`", remark="Recommended where gunicorn is."),
    Row(
        "`gunicorn module:app`",
        original=FAILS,
        advice=THREADS,
        remark="One request at a time, so polling is slow: `--threads 100`.",
    ),
    Row(
        "`gunicorn -k gevent -w 1 module:app`",
        folders=("gevent",),
        patched=True,
        remark=f"{GREEN}.",
    ),
    Row(
        "`gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker -w 1 module:app`",
        folders=("gevent-websocket",),
        # It waits as long for connections that are kept alive.
        env={"GUNICORN_CMD_ARGS": "--graceful-timeout 2"},
        patched=True,
        remark=f"{GREEN}.",
    ),
    Row(
        "`gunicorn -k eventlet -w 1 module:app`",
        folders=("eventlet",),
        patched=True,
        remark=f"Before gunicorn 26. {GREEN}.",
    ),
    Row(
        "`eventlet.wsgi.server(eventlet.listen(...), app)`",
        folders=("eventlet",),
        program="eventlet_server",
    ),
    Row(
        "`eventlet.wsgi.server(eventlet.listen(...), app)` after `eventlet.monkey_patch()`",
        folders=("eventlet",),
        program="eventlet_server",
        env={"PATCH": "1"},
        patched=True,
    ),
    Row("`gevent.pywsgi.WSGIServer(..., app)`", folders=("gevent",), program="gevent_server"),
    Row(
        "`gevent.pywsgi.WSGIServer(..., app)` after `gevent.monkey.patch_all()`",
        folders=("gevent",),
        program="gevent_server",
        env={"PATCH": "1"},
        patched=True,
    ),
    Row(
        "`gevent.pywsgi.WSGIServer(..., app, handler_class=WebSocketHandler)`",
        folders=("gevent-websocket",),
        program="gevent_server",
        env={"HANDLER": "1"},
    ),
    Row(
        "`gevent.pywsgi.WSGIServer(..., app, handler_class=WebSocketHandler)` after `gevent.monkey.patch_all()`",
        folders=("gevent-websocket",),
        program="gevent_server",
        env={"HANDLER": "1", "PATCH": "1"},
        patched=True,
    ),
    Row(
        "`uwsgi --gevent 1000 --http-websockets --master --module module:app`",
        folders=("gevent",),
        hangs_up=True,
    ),
    Row(
        "`uwsgi --threads 100 --http-websockets --master --module module:app`",
        original=POLLING,
        hangs_up=True,
    ),
    Row(
        "`waitress-serve module:app`",
        POLLING,
        original=POLLING,
        advice=THREADS,
        remark="A client that polls holds a thread, and there are four: `--threads=100`.",
    ),
    Row("`granian --interface wsgi module:app`", POLLING, original=POLLING, advice=THREADS),
    Row(
        "`hypercorn wsgi:module:app`",
        POLLING,
        original=POLLING,
        advice=THREADS,
        folders=("hypercorn",),
        remark="Better: `hypercorn module:asgi`.",
    ),
    Row(
        "`uvicorn --interface wsgi module:app`",
        POLLING,
        original=POLLING,
        advice=THREADS,
        remark="Better: `uvicorn module:asgi`.",
    ),
    Row(
        "`uvicorn --ws websockets-sansio --ws-ping-interval 0 --ws-max-size 1000000 module:asgi`",
        original=None,
        folders=("websockets",),
        remark="With `pip install websockets`.",
    ),
    Row(
        "`uvicorn module:asgi`",
        POLLING,
        original=None,
        advice="pip install websockets",
        remark="Without `websockets` uvicorn knows no WebSocket.",
    ),
    Row(
        "`gunicorn -k uvicorn_worker.UvicornWorker module:asgi`",
        original=None,
        folders=("websockets",),
        remark="With `pip install uvicorn-worker websockets`.",
    ),
    Row("`hypercorn module:asgi`", original=None, folders=("hypercorn",)),
    Row("`daphne module:asgi`", original=None),
    Row("`granian --interface asgi module:asgi`", original=None),
    Row(
        "`uvicorn module:app`",
        original=REFUSED,
        folders=("websockets",),
        remark="The Flask application itself: as `module:asgi`.",
    ),
    Row(
        "`gunicorn -k uvicorn_worker.UvicornWorker module:app`",
        original=REFUSED,
        folders=("websockets",),
        remark="The Flask application itself: as `module:asgi`.",
    ),
]
