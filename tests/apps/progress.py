"""Work in the background that tells how far it is."""

import os

from flask import Flask, request

from flask_socketio import SocketIO, join_room

app = Flask(__name__)
socketio = SocketIO(app)


def work(sid, steps, fail):
    with app.app_context():
        for step in range(steps):
            socketio.sleep(0.01)
            if fail and step == steps - 1:
                socketio.emit("failed", {"step": step}, to=sid)
                return
            socketio.emit("progress", {"done": step + 1, "of": steps}, to=sid)
        socketio.emit("finished", to=sid)
        socketio.emit("somebody finished", steps, to="watchers")


@socketio.on("start")
def start(steps, fail=False):
    socketio.start_background_task(work, request.sid, steps, fail)
    return "started"


@socketio.on("start and wait")
def start_and_wait(steps):
    task = socketio.start_background_task(target=work, sid=request.sid, steps=steps, fail=False)
    task.join()
    return "joined"


@socketio.on("watch")
def watch():
    join_room("watchers")


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
