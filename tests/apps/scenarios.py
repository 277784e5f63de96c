"""What the clients of each application do. Every step waits for its ack, so that the order is the server's doing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from tests.apps.session import Session


@dataclass
class App:
    """A script in this folder, what its clients do, and over which transports."""

    script: str
    run: Callable[[Session], None]
    transports: tuple[str, ...] = ("websocket", "polling")


def chat(session: Session) -> None:
    ann, ben, cem = (session.client(name) for name in ("ann", "ben", "cem"))
    for client in (ann, ben, cem):
        client.connect(auth={"name": client.name})
        client.wait_for("welcome")
    ann.ask("join", {"room": "garden"})
    ben.ask("join", {"room": "garden"})
    ben.ask("join", {"room": "attic"})
    cem.ask("join", {"room": "attic"})
    ann.ask("say", {"room": "garden", "text": "hello ü😀"})
    ann.ask("typing", "garden")
    ann.ask("typing", "nobody's room")
    cem.ask("whisper", "ann", "psst")
    cem.ask("whisper", "dan", "psst")
    cem.ask("everywhere", ["garden", "attic"], "once each")
    ben.ask("all but", "ann", "not for ann")
    ann.ask("message", "to all")
    ann.ask("json", {"a": [1, None]})
    ann.ask("never heard of", 1, "two")
    ann.ask("ping_me", 3)
    ann.ask("ping_me")
    ben.ask("leave", {"room": "garden"})
    ben.ask("say", {"room": "garden", "text": "from outside"})
    cem.ask("close", "attic")
    cem.ask("say", {"room": "attic", "text": "nobody is here"})
    ben.wait_for("closing")
    ben.close()
    ann.wait_for("left")
    cem.wait_for("left")
    ann.close()
    cem.wait_for("left", 2)


def factory(session: Session) -> None:
    both, one = session.client("both"), session.client("one")
    both.connect("/", "/chat")
    one.connect("/chat")
    for client in (both, one):
        client.wait_for("status")
    for client in (both, one):
        client.ask("joined", {"name": client.name, "room": client.name}, namespace="/chat")
    for _ in range(2):
        one.ask("text", "hi", namespace="/chat")
    both.ask("text", "through the default namespace")
    one.wait_for("through the default namespace")
    both.ask("crash", namespace="/chat")
    body, _ = session.get("/announce?text=everybody")
    both.wait_for("from a view")
    one.wait_for("everybody")
    session.get("/announce?text=room&room=one")
    one.wait_for('announced "room"')
    both.wait_for("from a view", 2)
    assert "true" in body
    assert session.get("/")[0] == "see /announce"


def login(session: Session) -> None:
    stranger, ann, banned = (session.client(name) for name in ("stranger", "ann", "banned"))
    stranger.connect("/private")
    outsider = session.client("outsider")
    outsider.connect()
    outsider.tell("secret")
    outsider.wait_for("disconnected")
    _, cookie = session.get("/login/ann")
    ann.connect("/", "/private", cookie=cookie)
    ann.wait_for("hello")
    ann.ask("secret")
    ann.ask("color", namespace="/private")
    ann.ask("color", "blue", namespace="/private")
    ann.ask("color", namespace="/private")
    assert '"red"' in session.get("/whoami", cookie)[0]
    session.get("/logout", cookie)
    ann.ask("secret")
    banned.connect("/private", auth={"ban": True}, cookie=cookie)


def classes(session: Session) -> None:
    player, auditor = session.client("player"), session.client("auditor")
    player.connect("/game")
    player.wait_for("board")
    auditor.connect("/", "/game", "/audit", auth={"token": "t1"})
    auditor.wait_for("board")
    player.ask("move", 0, 1, namespace="/game")
    player.ask("move", 1, 0, "o", namespace="/game")
    auditor.wait_for("moved", 2)
    player.ask("team", "red", namespace="/game")
    player.ask("fail", namespace="/game")
    player.ask("both", namespace="/game")
    auditor.ask("message", "backwards", namespace="/audit")
    auditor.ask("nothing")
    player.close()
    auditor.ask("log", namespace="/audit")


def progress(session: Session) -> None:
    worker, watcher, joiner = (session.client(name) for name in ("worker", "watcher", "joiner"))
    for client in (worker, watcher, joiner):
        client.connect()
    watcher.ask("watch")
    worker.ask("start", 20)
    worker.wait_for("finished")
    watcher.wait_for("somebody finished")
    joiner.ask("start and wait", 3)
    watcher.wait_for("somebody finished", 2)
    worker.ask("start", 2, True)
    worker.wait_for("failed")


def terminal(session: Session) -> None:
    one, two = session.client("one"), session.client("two")
    for client in (one, two):
        client.connect()
        client.wait_for("output")
    one.ask("input", "seq 1 20000; echo do''ne\n")
    two.ask("input", "printf '\\303\\274 %s\\n' two; echo do''ne\n")
    for client in (one, two):
        client.wait_until(lambda lines: "done\r\n$ " in text_of(lines), "done")
        client.tell("input", "exit\n")  # an ack might come before or after the end
        client.wait_for("ended")
        # How a stream is cut into pieces is the kernel's doing: the pieces count together.
        text = text_of(client.lines)
        client.lines[:] = [line for line in client.lines if not line.startswith("output")]
        client.lines += [*text[:60].splitlines(), "...", *text[-40:].splitlines()]
        client.lines.append(f"{len(text)} characters, SHA-256 {sha256(text.encode()).hexdigest()}")


def text_of(lines: list[str]) -> str:
    """The output, however it was cut."""
    outputs = [line.partition(" ")[2] for line in lines if line.startswith("output")]
    return "".join(json.loads(output)["text"] for output in outputs)


def acks(session: Session) -> None:
    client, other = session.client("client"), session.client("other")
    client.answer("question", lambda *args: args or None)
    client.answer("nothing to say", lambda *args: None)
    client.answer("a list", lambda *args: [1, 2])
    client.answer("please answer", lambda data: ("answer", data))
    client.connect()
    other.connect()
    for name in (
        "none", "false", "empty string", "empty list", "empty tuple", "one", "two", "list", "dict",
        "binary", "binary within", "text",
    ):  # fmt: skip
        client.ask("value", name)
        client.ask("emitted", name)
    client.ask("count")
    client.ask("count", None)
    client.ask("count", 1, b"2", [3])
    client.ask("ask me", "question")
    client.ask("ask me", "question", 1)
    client.ask("ask me", "question", 1, "two")
    client.ask("ask me", "nothing to say")
    client.ask("ask me", "a list")
    other.ask("ask me in time")
    client.ask("call me back", {"blob": b"1"})
    client.wait_for("you answered")
    client.ask("answers")


APPS = {
    "chat": App("chat.py", chat),
    "factory": App("factory/run.py", factory),
    "login": App("login.py", login),
    "classes": App("classes.py", classes),
    "progress": App("progress.py", progress),
    "terminal": App(
        "terminal.py", terminal, ("websocket",)
    ),  # a polling python-engineio client chokes on it
    "acks": App("acks.py", acks),
}
