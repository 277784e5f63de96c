"""Sessions and Flask-Login in event handlers."""

import functools
import os

from flask import Flask, jsonify, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from flask_socketio import ConnectionRefusedError, SocketIO, disconnect, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
login_manager = LoginManager(app)
socketio = SocketIO(app)


class User(UserMixin):
    def __init__(self, name):
        self.id = name


@login_manager.user_loader
def load_user(name):
    return User(name)


@app.route("/login/<name>")
def login(name):
    session["color"] = "red"
    login_user(User(name))
    return jsonify(name)


@app.route("/logout")
def logout():
    logout_user()
    session.pop("color", None)
    return jsonify(None)


@app.route("/whoami")
def whoami():
    return jsonify(name=current_user.get_id(), color=session.get("color"))


def authenticated_only(handler):
    @functools.wraps(handler)
    def wrapped(*args, **kwargs):
        if not current_user.is_authenticated:
            disconnect()
            return None
        return handler(*args, **kwargs)

    return wrapped


@socketio.on("connect", namespace="/private")
def connect_private(auth):
    if not current_user.is_authenticated:
        raise ConnectionRefusedError("unauthorized", {"retry": False}, 401)
    if auth == {"ban": True}:
        return False
    emit("hello", current_user.id)
    return None


@socketio.on("color", namespace="/private")
def color(value=None):
    before = session.get("color")
    if value is not None:
        session["color"] = value
    return [before, session.get("color"), current_user.id]


@socketio.on("connect")
def connect():
    return None


@socketio.on("secret")
@authenticated_only
def secret():
    emit("the secret", {"for": current_user.id, "cookie": "session" in request.cookies})
    return 42


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
