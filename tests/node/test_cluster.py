"""A server of ours is a full member of a cluster of Node's: over each of their adapters, in both directions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis

from tests.kit.broker import Valkey
from tests.node.cluster import Client, Cluster, Ours, Side

ADAPTERS = ["classic", "streams", "sharded"]


@pytest.fixture(scope="module", params=ADAPTERS)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    valkey = Valkey(tmp_path_factory.mktemp("valkey"))
    valkey.start()
    found = Cluster(request.param, valkey)
    try:
        found.start()
        yield found
    finally:
        for server in (found.ours, found.node):
            with suppress(AssertionError):
                server.stop()
        valkey.end()
    assert not found.ours.tracebacks()


@pytest.fixture(params=["ours speaks", "node speaks"])
def sides(request: pytest.FixtureRequest, cluster: Cluster) -> tuple[Side, Side]:
    """Who does something, and the other one."""
    found = (cluster.ours, cluster.node)
    return found if request.param == "ours speaks" else found[::-1]


@pytest.fixture
def clients(cluster: Cluster, sides: tuple[Side, Side]) -> Iterator[list[Client]]:
    """One of each side."""
    found = [cluster.client(side) for side in sides]
    yield found
    for client in found:
        client.close()


VALUES: list[tuple[Any, ...]] = [
    (1,),
    ("ü😀", None, True, 1.5),
    ([1, [2]], {"a": {"b": []}}),
    (b"\x00\xff",),
    ({"a": [b"\x01", "text", b""]}, b"x" * 100_000),
    (),
]


@pytest.mark.parametrize("args", VALUES, ids=range(len(VALUES)))
def test_a_broadcast_reaches_both(
    sides: tuple[Side, Side], clients: list[Client], args: tuple[Any, ...]
) -> None:
    sides[0].emit("said", *args)
    for client in clients:
        assert client.next() == ["said", *args]


def test_messages_keep_their_order(sides: tuple[Side, Side], clients: list[Client]) -> None:
    for number in range(20):
        to = [clients[1].sid] if number % 3 == 0 else []
        sides[0].emit("number", number, to=to)
    assert [clients[1].next() for _ in range(20)] == [["number", number] for number in range(20)]


@pytest.mark.parametrize("room", ["a room", "with#hash", "ü", 7, "x" * 20])
def test_a_room(
    sides: tuple[Side, Side], clients: list[Client], cluster: Cluster, room: Any
) -> None:
    speaker, other = sides
    here, there = clients
    bystander = cluster.client(other)
    other.join(there.sid, room)
    speaker.join(here.sid, room)
    cluster.wait_for(lambda: members(cluster, room) == {here.sid, there.sid})
    speaker.emit("in the room", to=[room])
    speaker.emit("all")
    assert here.next() == there.next() == ["in the room"]
    assert here.next() == there.next() == bystander.next() == ["all"]
    bystander.close()


def members(cluster: Cluster, room: Any) -> set[str]:
    """As Node's server finds them all over the cluster."""
    code = f"return (await io.in({json.dumps(room)}).fetchSockets()).map(socket => socket.id)"
    return set(cluster.node.run(code))


def test_several_rooms_and_exceptions(
    sides: tuple[Side, Side], clients: list[Client], cluster: Cluster
) -> None:
    speaker, other = sides
    here, there = clients
    third = cluster.client(other)
    for room, client in (("one", there), ("two", there), ("two", here), ("three", third)):
        (speaker if client is here else other).join(client.sid, room)
    cluster.wait_for(lambda: members(cluster, "three") == {third.sid})
    cluster.wait_for(lambda: members(cluster, "two") == {here.sid, there.sid})
    speaker.emit("each once", to=["one", "two"])
    speaker.emit("without a client", to=["two", "three"], skip=[there.sid])
    speaker.emit("without a room", skip=["two"])
    speaker.emit("to a client", to=[there.sid])
    speaker.emit("all")
    assert [here.next() for _ in range(3)] == [["each once"], ["without a client"], ["all"]]
    assert [there.next() for _ in range(3)] == [["each once"], ["to a client"], ["all"]]
    assert [third.next() for _ in range(3)] == [["without a client"], ["without a room"], ["all"]]
    third.close()


def test_a_namespace_of_its_own(sides: tuple[Side, Side], cluster: Cluster) -> None:
    speaker, other = sides
    chat, main = cluster.client(other, "/chat"), cluster.client(other)
    speaker.emit("to chat", b"\x00", namespace="/chat")
    speaker.emit("to main")
    assert chat.next() == ["to chat", b"\x00"]
    assert main.next() == ["to main"]
    for client in (chat, main):
        client.close()


def test_an_answer_of_a_client_elsewhere(sides: tuple[Side, Side], clients: list[Client]) -> None:
    assert sides[0].ask("question", clients[1].sid) == f"answer of {clients[1].sid}"


def test_answers_of_a_room(
    sides: tuple[Side, Side], clients: list[Client], cluster: Cluster
) -> None:
    speaker, other = sides
    second = cluster.client(other)
    everybody = [*clients, second]
    for client in everybody:
        (speaker if client is clients[0] else other).join(client.sid, "asked")
    sids = {client.sid for client in everybody}
    cluster.wait_for(lambda: members(cluster, "asked") == sids)
    answers = [f"answer of {sid}" for sid in sids]
    assert speaker.ask_room("question", "asked", 3) == sorted(answers)
    second.close()


def test_an_answer_in_binary(cluster: Cluster) -> None:
    ours, node = cluster.client(cluster.ours), cluster.client(cluster.node)
    assert cluster.node.ask("bytes, please", ours.sid) == b"\x00\xff"
    assert cluster.ours.run(
        f"socketio.call('bytes, please', to={node.sid!r}, timeout=10) == bytes([0, 255])"
    )
    for client in (ours, node):
        client.close()


def test_nobody_answers_for_a_room_that_is_empty(cluster: Cluster) -> None:
    assert cluster.node.ask_room("question", "nobody", 0) == []


def test_clients_elsewhere_join_and_leave(
    sides: tuple[Side, Side], clients: list[Client], cluster: Cluster
) -> None:
    speaker, there = sides[0], clients[1]
    for number in range(10):  # at once, so that the room is not known yet where it is read
        speaker.join(there.sid, f"room {number}")
        if (
            cluster.adapter == "sharded"
        ):  # to a room's channel one subscribes when somebody is in it
            cluster.wait_for(lambda n=number: subscribed(cluster, f"room {n}"))
        speaker.emit("joined", number, to=[f"room {number}"])
    assert [there.next() for _ in range(10)] == [["joined", number] for number in range(10)]
    speaker.leave(there.sid, "room 3")
    speaker.emit("left", to=["room 3"])
    speaker.emit("still", to=["room 4"])
    assert there.next() == ["still"]


def subscribed(cluster: Cluster, room: str) -> bool:
    channel = json.dumps(f"socket.io#/#{room}#")
    return cluster.node.run(
        f"return (await redis.sendCommand(['PUBSUB', 'SHARDNUMSUB', {channel}]))[1]"
    )


def test_a_room_is_closed_everywhere(cluster: Cluster) -> None:
    client = cluster.client(cluster.node)
    cluster.node.join(client.sid, "to be closed")
    cluster.wait_for(lambda: members(cluster, "to be closed") == {client.sid})
    cluster.ours.run("socketio.close_room('to be closed')")
    cluster.wait_for(lambda: members(cluster, "to be closed") == set())
    client.close()


def test_a_client_elsewhere_is_disconnected(
    sides: tuple[Side, Side], clients: list[Client]
) -> None:
    sides[0].disconnect(clients[1].sid)
    assert clients[1].next() == ["disconnected", "io server disconnect"]
    sides[0].emit("all")
    assert clients[0].next() == ["all"]


def test_connections_are_ended(cluster: Cluster) -> None:
    client, other = cluster.client(cluster.ours), cluster.client(cluster.ours)
    cluster.node.run(f"io.in({client.sid!r}).disconnectSockets(true)")
    assert client.next() == ["disconnected", "io server disconnect"]
    cluster.wait_for(lambda: cluster.ours.run("len(socketio.server.environ)") == 1)
    other.close()


def test_clients_are_shown_to_nodes_servers(cluster: Cluster) -> None:
    client = cluster.client(cluster.ours)
    cluster.ours.join(client.sid, "shown")
    cluster.ours.run(
        f"socketio.server.save_session({client.sid!r}, {{'name': 'Ada', 'secret': object()}})"
    )
    [found] = cluster.node.run(
        "return (await io.in('shown').fetchSockets()).map("
        "({id, handshake, rooms, data}) => ({id, handshake, rooms: [...rooms], data}))"
    )
    assert (found["id"], found["rooms"]) == (client.sid, [client.sid, "shown"])
    assert len(client.sid) == 20  # the sharded adapter knows ids by that
    assert found["data"] == {"name": "Ada", "secret": None}
    assert found["handshake"]["query"]["EIO"] == "4"
    assert found["handshake"]["headers"]["host"] == cluster.ours.url.removeprefix("http://")
    assert not found["handshake"]["secure"]
    client.close()


def test_events_for_servers_are_answered(cluster: Cluster) -> None:
    assert cluster.node.run("return await io.serverSideEmitWithAck('ping', 1, 'two')") == [None]
    cluster.node.run("io.serverSideEmit('ping', 1)")
    assert cluster.node.run("return await io.of('/chat').serverSideEmitWithAck('x')") == [None]


def test_an_emission_for_this_server_alone(
    cluster: Cluster, sides: tuple[Side, Side], clients: list[Client]
) -> None:
    here, there = clients
    if sides[0] is cluster.ours:
        cluster.ours.run("socketio.emit('local', ignore_queue=True)")
    else:
        cluster.node.run("io.local.emit('local')")
    sides[0].emit("all")
    assert [here.next(), here.next()] == [["local"], ["all"]]
    assert there.next() == ["all"]


def test_a_volatile_emission_arrives(cluster: Cluster) -> None:
    client = cluster.client(cluster.ours)
    cluster.node.run("io.volatile.emit('volatile')")
    assert client.next() == ["volatile"]
    client.close()


def test_what_javascript_has_and_json_has_not(cluster: Cluster) -> None:
    client = cluster.client(cluster.ours)
    cluster.node.run("io.emit('values', undefined, new Date(86400000 + 7), [undefined], 2 ** 53)")
    assert client.next() == ["values", None, "1970-01-02T00:00:00.007Z", [None], 2**53]
    client.close()


def test_what_python_has_and_messagepack_has_not(cluster: Cluster) -> None:
    client = cluster.client(cluster.node)
    cluster.ours.run(
        "socketio.emit('values', (__import__('uuid').UUID(int=1), 2 ** 70, b'x', {1: (2, 3)}))"
    )
    uuid = "00000000-0000-0000-0000-000000000001"
    assert client.next() == ["values", uuid, 2.0**70, b"x", {"1": [2, 3]}]
    client.close()


def test_from_a_process_that_only_emits(cluster: Cluster) -> None:
    receivers = [cluster.client(cluster.node), cluster.client(cluster.ours)]
    code = (
        "from flask_socketio import SocketIO\n"
        f"socketio = SocketIO(message_queue={cluster.ours.queue!r})\n"
        "socketio.emit('from a script', b'x')\n"
        f"socketio.emit('from a script', 1, to={receivers[1].sid!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    for client in receivers:
        assert client.next() == ["from a script", b"x"]
    assert receivers[1].next() == ["from a script", 1]
    for client in receivers:
        client.close()


def test_three_servers(cluster: Cluster) -> None:
    """Two of ours understand each other by Node's words, and Node's server gets an answer of both."""
    with Ours(cluster.ours.queue) as third:
        cluster.wait_for(lambda: cluster.servers("/") == 3)
        here, there = cluster.client(cluster.ours), cluster.client(third)
        assert cluster.ours.ask("question", there.sid) == f"answer of {there.sid}"
        cluster.ours.join(there.sid, "both")
        third.join(here.sid, "both")
        cluster.wait_for(lambda: members(cluster, "both") == {here.sid, there.sid})
        cluster.ours.emit("said", b"x", 1, to=["both"])
        for client in (here, there):
            assert client.next() == ["said", b"x", 1]
        answers = sorted(f"answer of {client.sid}" for client in (here, there))
        for server in (third, cluster.node):
            assert server.ask_room("question", "both", 2) == answers
        assert cluster.node.run("return await io.serverSideEmitWithAck('ping')") == [None, None]
        third.disconnect(here.sid)
        assert here.next() == ["disconnected", "io server disconnect"]
        there.close()
    cluster.wait_for(lambda: cluster.servers("/") == 2)


# -- what only one adapter has ---------------------------------------------------------------------

only_classic = pytest.mark.parametrize("cluster", ["classic"], indirect=True)


@only_classic
def test_the_rooms_of_all(cluster: Cluster) -> None:
    client = cluster.client(cluster.ours)
    cluster.ours.join(client.sid, "listed")
    rooms = cluster.node.run("return [...await io.of('/').adapter.allRooms()]")
    assert {client.sid, "listed"} <= set(rooms)
    client.close()


@only_classic
def test_what_the_emitter_says(cluster: Cluster) -> None:
    """@socket.io/redis-emitter."""
    here, there = cluster.client(cluster.ours), cluster.client(cluster.node)
    cluster.node.run("emitter.emit('said', 1, Buffer.from([0, 255]))")
    for client in (here, there):
        assert client.next() == ["said", 1, b"\x00\xff"]
    cluster.node.run(f"emitter.in('{here.sid}').socketsJoin('emitted')")
    cluster.node.run("emitter.to('emitted').emit('in the room')")
    cluster.node.run(f"emitter.except('{there.sid}').emit('with an exception')")
    cluster.node.run("emitter.of('/chat').emit('elsewhere')")
    cluster.node.run("emitter.serverSideEmit('from a server')")
    cluster.node.run("emitter.in('emitted').socketsLeave('emitted')")
    cluster.node.run("emitter.to('emitted').emit('to nobody')")
    cluster.node.run("emitter.disconnectSockets(true)")
    last = ["disconnected", "io server disconnect"]
    assert [here.next() for _ in range(3)] == [["in the room"], ["with an exception"], last]
    assert there.next() == last


@only_classic
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"type": 0, "rooms": []}, {"sockets": ["{sid}"]}),
        ({"type": 2, "sid": "{sid}", "room": "legacy"}, {}),
        ({"type": 3, "sid": "{sid}", "room": "legacy"}, {}),
        ({"type": 4, "sid": "{sid}", "close": False}, {}),
    ],
    ids=["sockets", "join", "leave", "disconnect"],
)
def test_requests_of_older_adapters(cluster: Cluster, asked: Any, expected: Any) -> None:
    """As releases before 7 have written them."""
    client = cluster.client(cluster.ours)
    named = json.loads(json.dumps([asked, expected]).replace("{sid}", client.sid))
    with redis.Redis.from_url(cluster.redis_url) as connection, connection.pubsub() as heard:
        heard.subscribe("socket.io-response#/#")
        heard.parse_response()
        text = json.dumps({"requestId": "abc123", **named[0]})
        connection.publish("socket.io-request#/#", text)
        while True:
            answer = json.loads(heard.parse_response()[2])
            if answer.get("sockets") != []:  # those are of Node's
                break
    assert answer == {"requestId": "abc123", **named[1]}
    client.close()


# -- what is not for us ---------------------------------------------------------------------------


def test_what_is_for_nobody_here_is_not_read(cluster: Cluster) -> None:
    """Not even looked at, where the channel tells: what could not be decoded is not missed."""
    client = cluster.client(cluster.ours)
    before = cluster.ours.counters()
    cluster.node.run("for (let i = 0; i < 10; i++) io.to('nobody').emit('x')")
    cluster.node.run("io.to(['nobody', 'no one']).emit('x')")
    if cluster.adapter == "classic":
        cluster.node.run("redis.publish('socket.io#/#nobody#', Buffer.from([0xc1]))")
    cluster.node.run("io.emit('all')")
    assert client.next() == ["all"]
    after = cluster.ours.counters()
    assert after["queue_received"] - before["queue_received"] == 1
    assert after["queue_ignored"] == before["queue_ignored"]
    client.close()
