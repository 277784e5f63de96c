"""eventlet's own server around the app named by APP: PATCH=1 patches before."""

import os

import eventlet
import eventlet.wsgi

if os.environ.get("PATCH"):
    eventlet.monkey_patch()

from importlib import import_module

if __name__ == "__main__":
    app = import_module(os.environ["APP"]).app
    eventlet.wsgi.server(eventlet.listen(("127.0.0.1", int(os.environ["PORT"]))), app)
