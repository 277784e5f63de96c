from flask import Flask, render_template, session
from flask_socketio import SocketIO, emit, join_room, leave_room

app = Flask(__name__)
app.config["SECRET_KEY"] = "for development only"
socketio = SocketIO(app)


@app.route("/")
def index():
    return render_template("chat.html")


@socketio.on("join")
def join(name, room):
    leave()
    session["name"], session["room"] = name[:30], room[:30]
    join_room(session["room"])
    emit("news", f"{session['name']} is here.", to=session["room"])


@socketio.on("say")
def say(text):
    if "room" in session:
        emit("said", {"name": session["name"], "text": text[:500]}, to=session["room"])


@socketio.on("disconnect")
def leave(reason=None):
    room = session.pop("room", None)
    if room is not None:
        leave_room(room)
        emit("news", f"{session['name']} has gone.", to=room)


if __name__ == "__main__":
    socketio.run(app, port=8000)
