"""gevent's own server around the app named by APP: PATCH=1 patches before, HANDLER=1 has gevent-websocket's handler."""

import os

from gevent import monkey
from gevent.pywsgi import WSGIServer

if os.environ.get("PATCH"):
    monkey.patch_all()

from importlib import import_module


def options():
    if os.environ.get("HANDLER"):
        from geventwebsocket.handler import WebSocketHandler

        return {"handler_class": WebSocketHandler}
    return {}


if __name__ == "__main__":
    app = import_module(os.environ["APP"]).app
    WSGIServer(("127.0.0.1", int(os.environ["PORT"])), app, **options()).serve_forever()
