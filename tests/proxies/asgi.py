"""The workers' app for ASGI servers."""

from tests.workers.app import app, socketio

asgi = socketio.asgi_app(app)
