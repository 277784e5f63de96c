"""Mistakes: each line that ends in `# error` has to be reported, and no other."""

from flask import Flask

from flask_socketio import Namespace, SocketIO, call, emit, join_room, request

app = Flask(__name__)
socketio = SocketIO(app)

SocketIO("app")  # error
SocketIO(app, ping_intervall=3)  # error
SocketIO(app, cors_allowed_origin="*")  # error
SocketIO(app, ping_timeout="20")  # error
SocketIO(app, ping_interval=(1, 2, 3))  # error
SocketIO(app, max_http_buffer_size="1e6")  # error
SocketIO(app, max_threads=None)  # error
SocketIO(app, transports=1)  # error
SocketIO(app, slow_consumer="drop")  # error
SocketIO(app, json="json")  # error
SocketIO(app, message_queue=6379)  # error
SocketIO(app, cookie=["io"])  # error
SocketIO(app, async_handlers="no")  # error
SocketIO(app, async_mode=1)  # error
socketio.init_app(app, cors_credential=True)  # error
socketio.init_app(app, logger="app")  # error
socketio.run(app, use_reload=True)  # error
socketio.run(app, workers=4.5)  # error
socketio.run(app, port=80.5)  # error
socketio.run(app, debug="yes")  # error
socketio.run(app, extra_files=1)  # error
socketio.run(app, ssl_context=1)  # error
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


said = socketio.sends("said", str)
said.emit(5)  # error
said.emit("x", room="r")  # error
socketio.sends(5, str)  # error
handler("1")  # error
print(request.side)  # error
