"""The application for ASGI servers."""

from tests.deployment.apps.app import app, socketio

asgi = socketio.asgi_app(app)
