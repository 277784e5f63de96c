"""A server of python-socketio's that shares a message queue with ours."""

import os
from typing import Any

import socketio
from werkzeug.serving import run_simple

url, channel = os.environ["QUEUE"], os.environ["CHANNEL"]
if uses_eventlet := url.startswith("zmq"):
    manager = socketio.ZmqManager(url, channel=channel)
else:
    manager = socketio.RedisManager(url, channel=channel)
mode = "eventlet" if uses_eventlet else "threading"
server = socketio.Server(async_mode=mode, client_manager=manager)


@server.on("shout")
def shout(sid: str, *args: Any) -> None:
    server.emit("shouted", args)


@server.on("join")
def join(sid: str, room: str) -> None:
    server.enter_room(sid, room)


@server.on("whoami")
def whoami(sid: str) -> str:
    return sid


if __name__ == "__main__":
    app = socketio.WSGIApp(server)
    if uses_eventlet:
        import eventlet
        import eventlet.wsgi

        listener = eventlet.listen(("127.0.0.1", 0))
        print(f"Listening at: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        eventlet.wsgi.server(listener, app)
    else:
        run_simple("127.0.0.1", 0, app, threaded=True)
