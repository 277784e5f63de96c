"""An application with the page that docs/serving.md shows."""

import os
import re
from pathlib import Path

from flask import Flask

from flask_socketio import ConnectionRefusedError, SocketIO

SECTION = (Path(__file__).parents[2] / "docs/serving.md").read_text().split("\n## Counters\n")[1]
SECTION = SECTION.split("\n## ")[0]
#: what the table there has
NAMES = [
    name
    for row in re.findall(r"^\| (`.*?) \|", SECTION, re.M)
    for name in re.findall(r"`(\w+)`", row)
]

app = Flask(__name__)
socketio = SocketIO(app)
exec(SECTION.split("```python\n")[1].split("```")[0])  # noqa: S102 - it is what the page shows


@socketio.on("connect")
def connect(auth: dict[str, str]) -> None:
    if auth:
        raise ConnectionRefusedError("go away")


@socketio.on("answer")
def answer(text: str) -> str:
    return text


@socketio.on("fail")
def fail() -> None:
    raise RuntimeError("that fails")


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
