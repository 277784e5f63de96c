"""A board of notes whose events have types: in the server, on the wire, and in the page's TypeScript."""

import os
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Literal

from flask import Flask, render_template
from msgspec import Meta

from flask_socketio import SocketIO, request

app = Flask(__name__)
# True: without the library that checks, the application does not start.
socketio = SocketIO(app, typed_events=True)

Colour = Literal["yellow", "green", "blue"]


@dataclass
class NewNote:
    """What somebody has written."""

    text: Annotated[str, Meta(min_length=1, max_length=80)]
    colour: Colour = "yellow"


@dataclass
class Note:
    """A note on the board."""

    number: int
    text: str
    colour: Colour


board: deque[Note] = deque(maxlen=100)
numbers = count(1)

noted = socketio.sends("noted", Note)
everything = socketio.sends("everything", list[Note])


@app.route("/")
def index() -> str:
    return render_template("index.html")


@socketio.on("connect")
def connect() -> None:
    everything.emit(list(board), to=request.sid)


@socketio.on("note")
def note(new: NewNote) -> int:
    """Put a note on the board; answers with its number."""
    written = Note(next(numbers), new.text, new.colour)
    board.append(written)
    noted.emit(written)
    return written.number


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "8033")))
