"""What clients do with the app that works in the background, and what they receive: the same wherever it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.apps.session import RecordingClient, Session
from tests.kit.server import ServerProcess

#: What an event's handler starts, and how its client sees that it is done.
STARTS = {
    "task": 'finished "task"',
    "thread": 'finished "thread"',
    "thread, joined": 'finished "thread, joined"',
    "timer": 'finished "timer"',
    "spawn": 'finished "spawn"',
    "spawn, waited for": 'finished "spawn, waited for"',
    "pool": 'finished "pool"',
    "call in a task": "answered",
    "callback": "called back",
    "failing task": "failed",
    "burst": "burst 9",
}
ANSWERED = ("queue", "event", "local", "lock", "call")


def transcript(servers: Sequence[ServerProcess], transport: str) -> str:
    """The life of three clients. The second is with the last server: what it hears of the others came by the queue."""
    if len(servers) > 1:
        wait_until_they_hear_each_other(servers)
    session = Session(servers[0], transport)
    ann, ben, cem = clients = [session.client(name) for name in ("ann", "ben", "cem")]
    try:
        for client, server in zip(clients, (servers[0], servers[-1], servers[0]), strict=True):
            client.answer("question", lambda number: ["an answer to", number])
            session.server = server
            client.connect(auth={"name": client.name})
            client.wait_for("welcome")
        live(session, ann, ben, cem)
    finally:
        for client in clients:
            client.close()
    return session.transcript()


def wait_until_they_hear_each_other(servers: Sequence[ServerProcess]) -> None:
    scouts = [Session(server, "websocket").client("scout") for server in servers]
    for scout in scouts:
        scout.connect("/scouts")
    deadline = time.monotonic() + 20
    while not all("/scouts heard " in scout.lines for scout in scouts):
        assert time.monotonic() < deadline, "the servers do not hear each other"
        scouts[0].ask("hello", namespace="/scouts")
    for scout in scouts:
        scout.close()


def live(
    session: Session, ann: RecordingClient, ben: RecordingClient, cem: RecordingClient
) -> None:
    for number in range(3):
        ann.ask("tick", number)
        for client in (ann, ben, cem):
            client.wait_for(f"ticked {number}")
    for event, end in STARTS.items():
        ann.ask(event)
        for client in (ann, ben, cem) if end.startswith("finished") else (ann,):
            client.wait_for(end)
    for event in ANSWERED:
        ann.ask(event)
    ann.ask("sleep", 0.01)
    neighbours(cem, ben)
    session.get("/announce/view")
    for client in (ann, ben, cem):
        client.wait_for('finished "view"')
    cem.tell("throw me out")
    cem.wait_for("disconnected")
    for client in (ann, ben):
        client.wait_for('finished "farewell"')


def neighbours(client: RecordingClient, other: RecordingClient) -> None:
    """A handler that blocks, in a way that the library has patched, holds up no other."""
    client.tell("block", 0.5)
    client.ask("tick", 3)
    other.wait_for("ticked 3")
    client.wait_for("unblocked")
