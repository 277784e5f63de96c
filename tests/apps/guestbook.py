"""An application whose own unit tests (guestbook_tests.py) use the test client."""

from flask import Flask, jsonify, request, session

from flask_socketio import Namespace, SocketIO, disconnect, emit, join_room, rooms

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
socketio = SocketIO(app)
entries = []


@app.route("/sign-in/<name>")
def sign_in(name):
    session["name"] = name
    return jsonify(name)


@socketio.on("connect")
def connect(auth=None):
    if auth == {"banned": True} or request.args.get("banned"):
        return False
    emit("entries", entries)
    return None


@socketio.on("sign")
def sign(text):
    if not text:
        raise ValueError("an empty entry")
    entry = {"name": session.get("name", "anonymous"), "text": text}
    entries.append(entry)
    emit("signed", entry, broadcast=True)
    return len(entries), request.headers.get("X-Language", "en")


@socketio.on("clear")
def clear():
    entries.clear()
    emit("cleared", broadcast=True, include_self=False)


@socketio.on("follow")
def follow(name):
    join_room(name)
    emit("following", (name, len(rooms())), to=name)


@socketio.on("go away")
def go_away():
    disconnect()


@socketio.on("message")
def message(text):
    return text.upper()


@socketio.on("json")
def json(data):
    emit("json", {"got": data})


class Admin(Namespace):
    def on_connect(self):
        return session.get("name") == "root"

    def on_stats(self):
        self.emit("stats", {"entries": len(entries)})
        return "ok", len(entries)


socketio.on_namespace(Admin("/admin"))
