from flask import current_app, g, session

from flask_socketio import emit, join_room

from . import socketio


@socketio.on("connect", namespace="/chat")
def connect():
    emit("status", {"motto": current_app.config["MOTTO"]})


@socketio.on("joined", namespace="/chat")
def joined(message):
    room = session["room"] = message["room"]
    session["name"] = message["name"]
    join_room(room)
    emit("status", {"msg": message["name"] + " has entered the room."}, to=room)


@socketio.on("text", namespace="/chat")
def text(message):
    g.seen = getattr(g, "seen", 0) + 1
    emit("message", {"msg": f"{session['name']}: {message}", "seen": g.seen}, to=session["room"])
    return True


@socketio.on("text")
def text_elsewhere(message):
    emit("text", message, namespace="/chat", broadcast=True)
    return "sent to the other namespace"


@socketio.on("crash", namespace="/chat")
def crash():
    raise ZeroDivisionError("on purpose")


@socketio.on_error("/chat")
def chat_error(error):
    return {"error": type(error).__name__}
