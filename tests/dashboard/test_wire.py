"""What the page is told and may have done, read by a client of its protocol."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator

import pytest
import socketio

from tests.dashboard.kit import PATIENCE, USER, Admin, admin, client, served
from tests.kit.broker import redis_server
from tests.kit.neighbour import PatientSimpleClient
from tests.kit.raw import request
from tests.kit.server import ServerProcess


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with served() as server:
        yield server


Fits = Callable[..., bool]


def is_of(sid: str | None) -> Fits:
    """Whether an event is this client's."""
    return lambda *args: args[1] == sid


def is_client(sid: str | None) -> Fits:
    """Whether the fields are this client's."""
    return lambda fields, *_: fields["id"] == sid


def is_in(room: str | None, sid: str | None) -> Fits:
    return lambda _, joined, who, __: (joined, who) == (room, sid)


def is_not_by(pids: set[int]) -> Fits:
    return lambda stats: stats["pid"] not in pids


def counters(server: ServerProcess) -> dict[str, object]:
    reply = request(server.address, "GET", "/counters")
    return json.loads(reply.body)


# -- what is told ----------------------------------------------------------------------------------


def test_session_is_not_in_the_log() -> None:
    with served(options={"engineio_logger": True}) as server, admin(server.url) as looking:
        (session,) = looking.wait_for("session")
        server.wait_for_log(re.compile(r'sends packet .*"session","\*\*\*"'), PATIENCE)
        assert session not in server.log


def test_who_comes_is_told_who_is_there(server: ServerProcess) -> None:
    headers = {"Cookie": "session=secret", "Authorization": "Bearer secret", "X-Shown": "yes"}
    with client(server.url, headers=headers, transports=["websocket"]) as talking:
        talking.call("enter", "blue")
        with admin(server.url) as looking:
            (sockets,) = looking.wait_for("all_sockets")
            (fields,) = [each for each in sockets if each["id"] == talking.sid]
    assert fields["nsp"] == "/"
    assert fields["rooms"] == [fields["id"], "blue"]
    assert fields["transport"] == "websocket"
    assert fields["clientId"] != fields["id"]
    handshake = fields["handshake"]
    assert handshake["address"] == "127.0.0.1"
    assert handshake["headers"]["x-shown"] == "yes"
    assert abs(handshake["issued"] - time.time() * 1000) < 60_000
    assert "secret" not in json.dumps(fields)


def test_connection_is_not_given_away(server: ServerProcess) -> None:
    """Who knows an Engine.IO id can take the connection over."""
    with client(server.url) as talking, admin(server.url) as looking:
        looking.wait_for("server_stats")
        assert str(talking.client.eio.sid) not in json.dumps(looking.told)


def test_what_happens_is_told(server: ServerProcess) -> None:
    with admin(server.url) as looking:
        looking.wait_for("config")
        with client(server.url, transports=["websocket"]) as talking:
            sid = talking.sid
            looking.wait_for("socket_connected", is_client(sid))
            talking.call("enter", "blue")
            looking.wait_for("room_joined", is_in("blue", sid))
            talking.emit("say", "hello")
            told = looking.wait_for("event_received", lambda *args: args[2][0] == "say")
            assert told[:3] == ["/", sid, ["say", "hello"]]
            told = looking.wait_for("event_sent", is_of(sid))
            assert told[:3] == ["/", sid, ["said", "hello"]]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told[3])
        told = looking.wait_for("socket_disconnected", is_of(sid))
        assert told[:2] == ["/", sid]
        assert told[2] in ("client disconnect", "transport close")
        for room in ("blue", sid):
            looking.wait_for("room_left", is_in(room, sid))


def test_upgrade_is_told(server: ServerProcess) -> None:
    with admin(server.url) as looking:
        looking.wait_for("config")
        with client(server.url) as talking:
            sid = talking.sid
            connected = looking.wait_for("socket_connected", is_client(sid))
            if connected[0]["transport"] == "polling":
                looking.wait_for(
                    "socket_updated",
                    lambda fields: fields == {"id": sid, "nsp": "/", "transport": "websocket"},
                )


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ([b"\x00" * 300, 1], ["say", ["<300 bytes>", 1]]),
        (None, ["say", None]),
        ({"a": ["ключ"]}, ["say", {"a": ["ключ"]}]),
    ],
)
def test_event_is_shown(server: ServerProcess, sent: object, shown: list[object]) -> None:
    with admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        talking.emit("say", (sent,))
        told = looking.wait_for("event_received", is_of(talking.sid))
        assert told[2] == shown


@pytest.mark.parametrize("size", [5_000, 200_000])
def test_large_event_is_cut(server: ServerProcess, size: int) -> None:
    with admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        talking.emit("say", "x" * size)
        for event, name in (("event_received", "say"), ("event_sent", "said")):
            told = looking.wait_for(event, is_of(talking.sid))
            assert told[2][0] == name
            assert len(told[2][1]) < 2100
            assert re.search(r"\(\d+ bytes\)", told[2][1])


def test_rooms_may_be_no_text(server: ServerProcess) -> None:
    with admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        talking.call("enter", 5)
        looking.wait_for("room_joined", is_in("5", talking.sid))
        looking.do("leave", "/", "5", talking.sid)
        looking.wait_for("room_left", is_in("5", talking.sid))


def test_sums_come_again_and_again() -> None:
    with served(server_id="the one") as server, admin(server.url) as looking:
        first = looking.wait_for("server_stats")[0]
        assert first["serverId"] == "the one"
        assert first["clientsCount"] == 0  # whoever looks does not count
        assert first["namespaces"] == [
            {"name": "/", "socketsCount": 0},
            {"name": "/other", "socketsCount": 0},
        ]
        with client(server.url, namespace="/other", transports=["polling"]):
            looking.wait_for(
                "server_stats",
                lambda stats: (
                    (stats["clientsCount"], stats["pollingClientsCount"]) == (1, 1)
                    and {"name": "/other", "socketsCount": 1} in stats["namespaces"]
                ),
            )
        for kind in ("rawConnection", "packetsIn", "bytesIn", "packetsOut", "bytesOut"):
            looking.wait_for("server_stats", has(kind))
        looking.wait_for(
            "server_stats", lambda stats: "transport close" in kinds(stats, "rawDisconnection")
        )
        seen = looking.all("server_stats")
        assert seen[0][0]["uptime"] < seen[-1][0]["uptime"]


def has(kind: str) -> Fits:
    return lambda stats: kind in kinds(stats)


def kinds(stats: dict[str, object], of: str | None = None) -> list[object]:
    events: list[dict[str, object]] = stats["aggregatedEvents"]  # pyright: ignore
    assert all(event["count"] for event in events)
    return [
        event["type"] if of is None else event["subType"]
        for event in events
        if of in (None, event["type"])
    ]


def test_dashboards_are_not_shown_to_each_other(server: ServerProcess) -> None:
    with admin(server.url) as first, admin(server.url) as second:
        second.wait_for("config")
        with client(server.url) as talking:  # whatever was told of the second one, has come
            first.wait_for("socket_connected", is_client(talking.sid))
        first.do("join", "/nowhere", "room")
        second.wait_for("server_stats")
        text = json.dumps([first.told, second.told])
    assert "/admin" not in text.replace('"url": "/socket.io', "")


def test_events_that_are_too_many_are_not_told() -> None:
    with served() as server, admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        for number in range(1500):
            talking.emit("count", number)
        talking.call("enter", "the end")
        looking.wait_for("room_joined")
        told = len(looking.all("event_received"))
        skipped = counters(server)["limits_reached"]["dashboard events"]  # pyright: ignore
        assert told >= 200
        assert skipped >= 100
        assert told + skipped == 1501


def test_many_clients_come_one_after_the_other() -> None:
    """The first ones at once, the others behind."""
    with served() as server:
        connections = [PatientSimpleClient() for _ in range(130)]
        try:
            for one in connections:
                one.connect(server.url, transports=["websocket"])
            sids = {one.sid for one in connections}
            with admin(server.url) as looking:
                (first,) = looking.wait_for("all_sockets")
                assert len(first) == 100
                last = looking.all("socket_connected")
                while len(last) < 30:
                    looking.wait_for("server_stats")
                    last = looking.all("socket_connected")
                    time.sleep(0.01)
                assert sids == {each["id"] for each in first} | {each[0]["id"] for each in last}
        finally:
            for one in connections:
                one.disconnect()


# -- what may be done ------------------------------------------------------------------------------


def test_room_is_moved_emptied_and_disconnected(server: ServerProcess) -> None:
    with admin(server.url) as looking, client(server.url) as one, client(server.url) as two:
        looking.wait_for("config")
        for talking in (one, two):
            talking.call("enter", "blue")
        looking.do("join", "/", "green", "blue")
        for talking in (one, two):
            looking.wait_for("room_joined", is_in("green", talking.sid))
        looking.do("emit", "/", "green", "greeting", 1, "two")
        assert one.receive(PATIENCE) == two.receive(PATIENCE) == ["greeting", 1, "two"]
        looking.do("leave", "/", "blue", None)
        for talking in (one, two):
            looking.wait_for("room_left", is_in("blue", talking.sid))
        looking.do("_disconnect", "/", False, "green")
        one.client.wait()
        two.client.wait()


def test_connection_is_closed(server: ServerProcess) -> None:
    with admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        looking.do("_disconnect", "/", True, talking.sid)
        talking.client.wait()
        looking.wait_for("socket_disconnected", lambda *args: args[2] == "server disconnect")


@pytest.mark.parametrize(
    "command",
    [
        ("_disconnect", "/admin", False, None),
        ("_disconnect", "/admin", True, None),
        ("join", "/", "", None),
        ("join", "/", {"a": 1}, None),
        ("join",),
        ("leave", 5, "room"),
        ("_disconnect", "/", "yes"),
        ("emit", "/", None, "disconnect"),
        ("emit", "/admin", None, "config", {}),
        ("emit", "/"),
        ("join", "/", "room", None, None, None),
    ],
)
def test_what_makes_no_sense_does_nothing(
    server: ServerProcess, command: tuple[object, ...]
) -> None:
    with admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        looking.do(*command)  # pyright: ignore[reportArgumentType]
        looking.do("emit", "/", talking.sid, "still", "here")
        assert talking.receive(PATIENCE) == ["still", "here"]
        assert looking.client.connected
        assert len(looking.all("config")) == 1


@pytest.mark.parametrize("settings", [{"read_only": True}, {"mode": "production"}])
def test_what_is_not_allowed_is_not_done(settings: dict[str, object]) -> None:
    with served(**settings) as server, admin(server.url) as looking, client(server.url) as talking:
        (config,) = looking.wait_for("config")
        assert not {"EMIT", "JOIN", "LEAVE", "DISCONNECT"} & set(config["supportedFeatures"])
        for command in (
            ("join", "/", "room", talking.sid),
            ("emit", "/", talking.sid, "greeting"),
            ("_disconnect", "/", True, talking.sid),
        ):
            looking.do(*command)
        server.wait_for_log(re.compile("dashboard: 'admin' may not do that"), PATIENCE)
        looking.wait_for("server_stats", lambda stats: stats["clientsCount"] == 1)
        assert talking.call("enter", "blue")


def test_what_is_done_is_logged(server: ServerProcess) -> None:
    with admin(server.url) as looking, client(server.url) as talking:
        looking.wait_for("config")
        looking.do("_disconnect", "/", False, talking.sid)
        server.wait_for_log(re.compile(r"dashboard: 'admin' does \('_disconnect', '/'"), PATIENCE)


def test_production_tells_sums_alone() -> None:
    with served(mode="production") as server, admin(server.url) as looking:
        (config,) = looking.wait_for("config")
        assert config["supportedFeatures"] == ["AGGREGATED_EVENTS"]
        with client(server.url) as talking:
            talking.call("enter", "blue")
            talking.emit("say", "hello")
            looking.wait_for("server_stats", lambda stats: stats["clientsCount"] == 1)
        looking.wait_for(
            "server_stats",
            lambda stats: (
                "client disconnect" not in json.dumps(stats)
                and "rawDisconnection" in json.dumps(stats)
            ),
        )
        assert {event for event, _ in looking.told} <= {"session", "config", "server_stats"}


# -- several processes -----------------------------------------------------------------------------


def test_what_happens_in_other_workers_is_told_and_done() -> None:
    with served(workers=2) as server, admin(server.url, transports=["websocket"]) as looking:
        looking.wait_for("config")
        talking: dict[int, socketio.SimpleClient] = {}
        others: list[socketio.SimpleClient] = []
        try:
            while len(talking) < 2:
                one = PatientSimpleClient(reconnection=False)
                one.connect(server.url, transports=["websocket"])
                others.append(one)
                talking[one.call("enter", "blue")[0]] = one
            for one in talking.values():
                looking.wait_for("socket_connected", is_client(one.sid))
                one.emit("say", "hello")
                looking.wait_for("event_received", is_of(one.sid))
            servers = {stats["pid"] for (stats,) in looking.all("server_stats")}
            while servers != talking.keys():
                looking.wait_for("server_stats", is_not_by(servers))
                servers = {stats["pid"] for (stats,) in looking.all("server_stats")}
            assert len({stats["serverId"] for (stats,) in looking.all("server_stats")}) == 2
            looking.do("join", "/", "green", "blue")
            for one in others:
                looking.wait_for("room_joined", is_in("green", one.sid))
            looking.do("_disconnect", "/", False, "green")
            for one in others:
                one.client.wait()
            with admin(server.url) as late:
                late.wait_for("all_sockets")
        finally:
            for one in others:
                one.disconnect()


def test_session_is_known_to_all_workers() -> None:
    with served(workers=2) as server:
        with admin(server.url) as looking:
            (session,) = looking.wait_for("session")
        for _ in range(8):
            with admin(server.url, {"sessionId": session}, transports=["websocket"]) as again:
                assert again.refusal is None
                again.wait_for("config")


def test_nobody_looks_so_nothing_is_sent() -> None:
    """Neither by a server nor between servers."""
    with served(workers=2) as server:
        with client(server.url, transports=["websocket"]) as talking:
            talking.call("enter", "blue")
        assert counters(server)["queue_published"] == 0
        with admin(server.url) as looking:
            looking.wait_for("server_stats")
            with client(server.url, transports=["websocket"]) as talking:
                looking.wait_for("socket_connected", is_client(talking.sid))


# -- who may look ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        (None, ""),
        ({}, ""),
        ({"sessionId": None}, ""),
        ({"username": "admin"}, "invalid credentials"),
        ({"username": "admin", "password": "A long one"}, "invalid credentials"),
        ({"username": "admin", "password": None}, "invalid credentials"),
        ({"username": ["admin"], "password": {"a": 1}}, "invalid credentials"),
        ({"sessionId": "made up"}, "invalid credentials"),
        ({"sessionId": {"a": 1}}, "invalid credentials"),
    ],
)
def test_who_does_not_know_the_password_is_refused(
    server: ServerProcess, auth: dict[str, object] | None, said: str
) -> None:
    with admin(server.url, auth) as looking:
        assert looking.refusal == said
        assert looking.told == []


@pytest.fixture
def guarded() -> Iterator[ServerProcess]:
    with served(auth=[USER, {"username": "other", "password": "theirs"}]) as server:
        yield server


def test_passwords_cannot_be_tried_for_ever(guarded: ServerProcess) -> None:
    with admin(guarded.url, {"username": "other", "password": "theirs"}) as looking:
        (session,) = looking.wait_for("session")
    wrong = {"username": "admin", "password": "guess"}
    refusals = [Admin(guarded.url, wrong).refusal for _ in range(11)]
    assert refusals == ["invalid credentials"] * 10 + ["too many attempts to log in, wait a minute"]
    with admin(guarded.url) as looking:  # the right one neither: nobody shall learn which that is
        assert looking.refusal == refusals[-1]
    with admin(guarded.url, {"sessionId": session}) as looking:  # who is in, stays in
        looking.wait_for("config")
    assert counters(guarded)["limits_reached"] == {"dashboard logins": 2}
    assert "guess" not in guarded.log


def test_namespace_is_chosen() -> None:
    with served(namespace="/seen") as server:
        with admin(server.url, namespace="/seen") as looking:
            looking.wait_for("config")
        with admin(server.url) as looking:
            assert looking.refusal == "Invalid namespace"


def test_servers_that_share_a_message_queue_are_one_dashboard(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with redis_server(tmp_path_factory) as url:
        options = {"message_queue": url, "channel": f"dashboard-{os.getpid()}"}
        with served(options=options) as one, served(options=options) as two:
            with admin(one.url) as looking, client(two.url) as talking:
                (session,) = looking.wait_for("session")
                looking.wait_for("socket_connected", is_client(talking.sid))
                talking.emit("say", "hello")
                looking.wait_for("event_received", is_of(talking.sid))
                looking.wait_for("server_stats", lambda stats: stats["clientsCount"] == 1)
                looking.do("_disconnect", "/", False, talking.sid)
                talking.client.wait()
            with admin(two.url, {"sessionId": session}) as looking:
                looking.wait_for("config")
