from flask import Flask, redirect, render_template, session
from flask_socketio import ConnectionRefusedError, SocketIO, emit, join_room, leave_room, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
app.config["SECRET_KEY"] = "for development only"
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
socketio = SocketIO(app)
tokens = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="token")

USERS = {
    "ada": generate_password_hash("analytical"),
    "bob": generate_password_hash("builder"),
}


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


if __name__ == "__main__":
    socketio.run(app, port=8000)
