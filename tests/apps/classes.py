"""Class-based namespaces."""

import os

from flask import Flask, request

from flask_socketio import Namespace, SocketIO, emit, join_room, send

app = Flask(__name__)
socketio = SocketIO(app, logger=False, engineio_logger=False)
log = []


class Game(Namespace):
    def __init__(self, namespace, board):
        super().__init__(namespace)
        self.board = board

    def on_connect(self):
        log.append("game connect")
        emit("board", self.board)

    def on_disconnect(self, reason):
        log.append("game disconnect")

    def on_move(self, x, y, mark="x"):
        self.board[y][x] = mark
        self.emit("moved", {"x": x, "y": y, "mark": mark})
        return self.board

    def on_team(self, name):
        join_room(name)
        self.send(f"welcome to {name}", room=name)
        return self.rooms(request.sid) == [request.sid, name]

    def on_fail(self):
        raise ValueError("no such move")

    def error(self, exc):
        return f"the game says: {exc}"


class Audit(Namespace):
    """Sees everything before it happens."""

    def on_connect(self, auth):
        self.token = auth["token"]

    def trigger_event(self, event, *args):
        log.append(f"audit {event}")
        return super().trigger_event(event, *args)

    def on_log(self):
        return log

    def on_message(self, text):
        send(text[::-1])
        return self.token


class Quiet(Namespace):
    def on_nothing(self):
        pass


socketio.on_namespace(Game("/game", [[" "] * 2 for _ in range(2)]))
socketio.on_namespace(Audit("/audit"))
socketio.on_namespace(Quiet())


@socketio.on("both", namespace="/game")
def function_wins():
    return "function"


@socketio.on_error_default
def default(error):
    log.append(f"default {error}")
    raise error


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
