"""A chat with rooms."""

import os

from flask import Flask, request

from flask_socketio import SocketIO, close_room, emit, join_room, leave_room, rooms, send

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
socketio = SocketIO(app)

names = {}


@socketio.on("connect")
def connect(auth):
    names[request.sid] = auth["name"]
    emit("welcome", {"name": auth["name"], "online": sorted(names.values())})


@socketio.on("disconnect")
def disconnect(reason):
    emit("left", {"name": names.pop(request.sid)}, broadcast=True)


@socketio.on("join")
def join(message):
    join_room(message["room"])
    emit("joined", {"who": names[request.sid], "room": message["room"]}, to=message["room"])
    return sorted(room for room in rooms() if room != request.sid)


@socketio.on("leave")
def leave(message):
    leave_room(message["room"])
    emit("parted", names[request.sid], to=message["room"])
    return len(rooms())


@socketio.on("say")
def say(message):
    emit("said", {"from": names[request.sid], "text": message["text"]}, to=message["room"])


@socketio.on("typing")
def typing(room):
    emit("typing", names[request.sid], to=room, include_self=False)


@socketio.on("whisper")
def whisper(name, text):
    target = next((sid for sid, other in names.items() if other == name), None)
    if target is None:
        return "nobody has this name"
    emit("whispered", (names[request.sid], text), to=target)
    return "whispered"


@socketio.on("everywhere")
def everywhere(rooms, text):
    emit("said", {"from": names[request.sid], "text": text}, to=rooms)


@socketio.on("all but")
def all_but(name, text):
    skipped = [sid for sid, other in names.items() if other == name]
    emit("said", text, broadcast=True, skip_sid=skipped)


@socketio.on("close")
def close(room):
    emit("closing", room, to=room)
    close_room(room)


@socketio.on("message")
def message(text):
    send(f"{names[request.sid]}: {text}", broadcast=True)


@socketio.on("json")
def json(data):
    send({"echo": data}, json=True)


@socketio.on("*")
def anything_else(event, *args):
    emit("unknown", (event, *args))


@socketio.event
def ping_me(n=1):
    for number in range(n):
        emit("pong", number)
    return n


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
