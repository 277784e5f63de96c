"""An application factory, with blueprint-like modules and a namespace of its own."""

from flask import Flask

from flask_socketio import SocketIO

socketio = SocketIO()


def create_app(config=None):
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "secret!"
    app.config.update(config or {})

    from . import events, views  # noqa: F401 - registers the handlers

    app.register_blueprint(views.main)
    socketio.init_app(app, ping_interval=10, cors_allowed_origins="*")
    return app
