from flask import Flask
from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app)

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Quickstart</title>
<h1>Quickstart</h1>
<p id="state" role="status">Connecting…</p>
<form>
  <label>Message <input id="text" autocomplete="off" required></label>
  <button>Send</button>
</form>
<ul id="log" aria-live="polite"></ul>

<script src="/socket.io/socket.io.min.js"></script>
<script>
  const byId = (id) => document.getElementById(id);
  const socket = io();

  socket.on("connect", () => { byId("state").textContent = "Connected"; });
  socket.on("disconnect", () => { byId("state").textContent = "Not connected"; });

  socket.on("said", (text) => {
    byId("log").appendChild(document.createElement("li")).textContent = text;
  });

  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    socket.emit("say", byId("text").value);
    event.target.reset();
  };
</script>
</html>
"""


@app.route("/")
def index():
    return PAGE


@socketio.on("say")
def say(text):
    emit("said", text, broadcast=True)


if __name__ == "__main__":
    socketio.run(app, port=8000)
