"""Mistakes: each line that ends in `# error` has to be reported, and no other."""

from flask import Flask

from flask_socketio import Namespace, SocketIO, call, emit, join_room, request

app = Flask(__name__)
socketio = SocketIO(app)

SocketIO("app")  # error
socketio.on(1)  # error
socketio.on("x", name_space="/")  # error
socketio.on_namespace(Namespace)  # error
socketio.emit(1)  # error
socketio.emit("x", too=1)  # error
socketio.emit("x", callback=1)  # error
socketio.emit("x", to={"a": 1})  # error
socketio.call("x", to=["a"])  # error
socketio.sleep("1")  # error
socketio.run()  # error
socketio.test_client()  # error
emit("x", include_self="no")  # error
call("x", timeout="1")  # error
join_room("a", sid=1)  # error


@socketio.on("x")
def handler(a: int) -> int:
    return a


handler("1")  # error
print(request.side)  # error
