from flask import Flask, redirect, render_template, session
from flask_socketio import ConnectionRefusedError, SocketIO, emit, join_room, leave_room, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
app.config["SECRET_KEY"] = "for development only"
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
socketio = SocketIO(app, max_http_buffer_size=5_000_000)
tokens = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="token")

USERS = {
    "ada": generate_password_hash("analytical"),
    "bob": generate_password_hash("builder"),
}

IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
at_work = set()


@app.route("/")
def index():
    if "name" not in session:
        return redirect("/login")
    return render_template("chat.html")


@app.get("/login")
def login_page():
    return render_template("login.html")


@app.post("/login")
def login():
    name = person_in_form()
    if name is None:
        return render_template("login.html", wrong=True), 401
    session["name"] = name
    return redirect("/")


@app.post("/logout")
def logout():
    session.clear()
    return redirect("/login")


@app.post("/token")
def token():
    name = person_in_form()
    if name is None:
        return {"error": "wrong name or password"}, 401
    return {"token": tokens.dumps(name)}


def person_in_form():
    name, password = request.form.get("name", ""), request.form.get("password", "")
    known = name in USERS and check_password_hash(USERS[name], password)
    return name if known else None


def person_of_token(auth):
    try:
        return tokens.loads(auth["token"], max_age=3600)
    except (BadSignature, KeyError, TypeError):
        return None


@socketio.on("connect")
def connect(auth):
    name = session.get("name") or person_of_token(auth)
    if name is None:
        raise ConnectionRefusedError("please log in")
    session["name"] = name


@socketio.on("join")
def join(room):
    leave()
    session["room"] = room[:30]
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


@socketio.on("report")
def start_report():
    if request.sid in at_work:
        return "It is being made already."
    at_work.add(request.sid)
    socketio.start_background_task(make_report, request.sid)
    return "It has begun."


def make_report(sid):
    try:
        for percent in range(0, 101, 4):
            socketio.sleep(0.2)  # in place of real work
            socketio.emit("progress", percent, to=sid)
    finally:
        at_work.discard(sid)


@socketio.on("image")
def image(data):
    if not isinstance(data, bytes) or not data.startswith(IMAGES):
        return "This is no PNG, JPEG, GIF or WebP image."
    if "room" not in session:
        return "Enter a room first."
    emit("image", {"name": session["name"], "data": data}, to=session["room"])
    return "Sent."


if __name__ == "__main__":
    socketio.run(app, port=8000)
