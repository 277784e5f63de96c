from flask import Blueprint, jsonify, request, url_for

from . import socketio

main = Blueprint("main", __name__)


@main.route("/")
def index():
    return f"see {url_for('main.announce')}"


@main.route("/announce")
def announce():
    socketio.emit("announced", request.args["text"], namespace="/chat", to=request.args.get("room"))
    socketio.send("from a view")
    return jsonify(done=True)
