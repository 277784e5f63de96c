"""A terminal in the browser: a pty whose output streams to the client."""

import os
import pty
import subprocess
import threading

from flask import Flask, request

from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)
terminals = {}


def forward_output(fd, sid):
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:  # the program has ended
            break
        if not data:
            break
        socketio.emit("output", {"text": data.decode(errors="ignore")}, to=sid)
    socketio.emit("ended", to=sid)


@socketio.on("connect")
def connect():
    parent, child = pty.openpty()
    process = subprocess.Popen(
        ["sh"], stdin=child, stdout=child, stderr=child, close_fds=True,
        env={"PS1": "$ ", "PATH": os.environ["PATH"]}, start_new_session=True,
    )  # fmt: skip
    os.close(child)
    terminals[request.sid] = (parent, process)
    socketio.start_background_task(forward_output, parent, request.sid)


@socketio.on("input")
def write(text):
    os.write(terminals[request.sid][0], text.encode())


@socketio.on("disconnect")
def disconnect(reason):
    process = terminals.pop(request.sid)[1]
    process.kill()
    threading.Thread(target=process.wait).start()


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
