"""Open http://127.0.0.1:8029/ in one or two browser windows."""

import os

from flask import Flask, render_template

from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app)


@app.route("/")
def index():
    return render_template("index.html")


@socketio.on("message")
def handle_message(text):
    # To the sender alone; emit(..., broadcast=True) would reach every open page.
    emit("response", {"text": text})


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", 8029)))
