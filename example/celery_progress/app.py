"""The page, and the server that starts tasks for it. See run.py."""

import os

from flask import Flask, render_template, request
from tasks import sort_pictures

from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["REDIS_URL"])


@app.route("/")
def index():
    return render_template("index.html")


@socketio.on("start")
def start(count):
    """Returns at once; a worker of Celery's goes on."""
    return sort_pictures.delay(request.sid, count).id
