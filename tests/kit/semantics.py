"""What holds for several processes that belong together, whatever joins them: one suite, for queues and for workers."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from tests.kit.neighbour import OrderedClient
from tests.kit.raw import request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("semantics_app.py")
PROCESSES = 3
#: Seconds that are "at once".
AT_ONCE = 1.0


class Failed(Exception):
    """What a process was to do has raised."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["error"])
        self.kinds: list[str] = told["kinds"]
        self.nodes: list[str] | None = told["nodes"]
        self.seconds: float = told["seconds"]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class One:
    """A process."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    def tell(self, name: str, *args: Any) -> dict[str, Any]:
        body = json.dumps([name, *args]).encode()
        reply = request(
            self.server.address,
            "POST",
            "/do",
            body=body,
            headers={"Content-Type": "application/json"},
        )
        assert reply.status == 200, reply
        told: dict[str, Any] = json.loads(reply.body)
        if "error" in told:
            raise Failed(told)
        return told

    def do(self, name: str, *args: Any) -> Any:
        """Have it do something; returns the result. Raises Failed."""
        return self.tell(name, *args)["result"]

    @property
    def status(self) -> dict[str, Any]:
        return self.do("status")

    @property
    def node(self) -> str:
        return self.status["node"]


class Client:
    def __init__(self, one: One, name: str) -> None:
        self.received = Queue[Any]()
        self.client = OrderedClient()
        self.client.on("told", lambda *args: self.received.put(args))
        self.client.on("question", lambda question: (name, question))
        self.client.on("disconnect", lambda *args: self.received.put("disconnected"))
        self.client.connect(one.server.url, transports=["websocket"])
        self.sid: str = self.client.call("whoami", timeout=10)

    def join(self, room: str) -> None:
        self.client.call("join", room, timeout=10)

    def next(self, timeout: float = 10) -> Any:
        try:
            return self.received.get(timeout=timeout)
        except Empty:
            return None


def _knows(status: dict[str, Any], others: int) -> bool:
    return status["settled"] and len(status["nodes"]) == others


class Cluster:
    """Three processes, and a client of each."""

    def __init__(self, options: dict[str, Any], *, sees_death: bool) -> None:
        self.options = options
        self._env = {"OPTIONS": json.dumps(options)}
        #: whether that a process has been killed is known at once
        self.sees_death = sees_death
        self._stack = ExitStack()
        self.ones: list[One] = []
        self.clients: list[Client] = []

    def __enter__(self) -> Cluster:
        self.ones = [One(self._stack.enter_context(self._process())) for _ in range(PROCESSES)]
        self.wait_until_known(PROCESSES)
        self.clients = [self.client(one, name) for one, name in zip(self.ones, "abc", strict=True)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _process(self) -> ServerProcess:
        return ServerProcess.script(APP, self._env)

    def client(self, one: One, name: str) -> Client:
        client = Client(one, name)
        self._stack.callback(client.client.disconnect)
        return client

    def wait_until_known(self, count: int) -> None:
        """And nobody may be there that is not known."""
        wait_until(lambda: all(_knows(one.status, count - 1) for one in self.ones))

    @contextmanager
    def another(self) -> Iterator[One]:
        """One more process, which may be killed."""
        process = self._process()
        process.start()
        try:
            one = One(process)
            self.wait_until_known(PROCESSES + 1)
            yield one
        finally:
            process.stop()


class Semantics:
    """Its subclasses have a fixture of the same scope: `cluster`."""

    # -- who is there --------------------------------------------------------------------------

    def test_each_knows_the_others_and_clients_ids_begin_with_theirs(
        self, cluster: Cluster
    ) -> None:
        nodes = {one.node for one in cluster.ones}
        for one, client in zip(cluster.ones, cluster.clients, strict=True):
            assert {*one.status["nodes"], one.node} == nodes
            assert client.sid.startswith(one.node)

    def test_one_that_ends_is_gone_at_once_and_its_clients_with_it(self, cluster: Cluster) -> None:
        here = cluster.ones[0]
        with cluster.another() as one:
            gone = Client(one, "d").sid
            assert here.do("call", gone, "are you there", 10) == ["d", "are you there"]
        wait_until(lambda: len(here.status["nodes"]) == PROCESSES - 1, AT_ONCE)
        with pytest.raises(Failed) as failed:
            here.do("call", gone, "are you there", 30)
        assert "UnknownClientError" in failed.value.kinds
        assert failed.value.seconds < AT_ONCE
        assert here.do("rooms", gone) == []

    # -- clients elsewhere ---------------------------------------------------------------------

    def test_rooms_of_a_client_elsewhere(self, cluster: Cluster) -> None:
        here, there = cluster.ones[0], cluster.clients[1]
        there.join("hall")
        assert here.do("rooms", there.sid) == [there.sid, "hall"]
        here.do("enter room", there.sid, "cellar")
        wait_until(lambda: here.do("rooms", there.sid) == [there.sid, "hall", "cellar"])
        here.do("leave room", there.sid, "hall")
        wait_until(lambda: here.do("rooms", there.sid) == [there.sid, "cellar"])
        here.do("close room", "cellar")
        wait_until(lambda: here.do("rooms", there.sid) == [there.sid])

    def test_participants_of_rooms_are_everywhere(self, cluster: Cluster) -> None:
        for client in cluster.clients[:2]:
            client.join("stage")
        cluster.clients[2].join("stalls")
        sids = [client.sid for client in cluster.clients]
        for one, client in zip(cluster.ones, cluster.clients, strict=True):
            # Clients of the tests before are leaving still.
            wait_until(
                lambda one=one: [sid for sid, _ in one.do("participants", None)] == sorted(sids)
            )
            assert [sid for sid, _ in one.do("participants", "stage")] == sorted(sids[:2])
            both = [sid for sid, _ in one.do("participants", ["stage", "stalls"])]
            assert both == sorted(sids)
            assert one.do("participants", "nobody's") == []
            assert [sid for sid, _ in one.do("participants here", None)] == [client.sid]
        cluster.ones[0].do("close room", "stage")
        cluster.ones[0].do("close room", "stalls")

    def test_many_participants(self, cluster: Cluster) -> None:
        """An answer that is longer than a message may be."""
        there = cluster.clients[1]
        rooms = [f"{number} {'x' * 2000}" for number in range(100)]
        for room in rooms:
            there.join(room)
        assert cluster.ones[0].do("rooms", there.sid) == [there.sid, *rooms]
        for room in rooms:
            cluster.ones[1].do("leave room", there.sid, room)
        wait_until(lambda: cluster.ones[0].do("rooms", there.sid) == [there.sid])

    def test_the_session_of_a_client_elsewhere(self, cluster: Cluster) -> None:
        (here, there, third), sid = cluster.ones, cluster.clients[1].sid
        assert here.do("get session", sid) == {}
        here.do("save session", sid, {"name": "Ü", "roles": [1, None]})
        assert there.do("get session", sid) == {"name": "Ü", "roles": [1, None]}
        third.do("in session", sid, "age", 7)
        assert here.do("get session", sid) == {"name": "Ü", "roles": [1, None], "age": 7}

    def test_the_environ_of_a_client_elsewhere(self, cluster: Cluster) -> None:
        there, sid = cluster.ones[1], cluster.clients[1].sid
        assert cluster.ones[0].do("environ", sid) == there.server.url.removeprefix("http://")

    @pytest.mark.parametrize("question", ["get session", "environ"])
    def test_a_client_that_is_nowhere(self, cluster: Cluster, question: str) -> None:
        here, there = cluster.ones[0], cluster.client(cluster.ones[1], "d")
        there.client.disconnect()
        wait_until(lambda: here.do("rooms", there.sid) == [])
        for sid in (there.sid, "nobody", "nobody" + there.sid[6:]):
            with pytest.raises(Failed, match="client") as failed:
                here.do(question, sid)
            assert failed.value.kinds[0] == "KeyError"
            assert failed.value.seconds < AT_ONCE

    def test_an_async_handler_awaits_what_is_elsewhere(self, cluster: Cluster) -> None:
        here, there = cluster.clients[:2]
        assert here.client.call("await", ("rooms", there.sid), timeout=10) == [there.sid]
        refused = here.client.call("do not await", ("rooms", there.sid), timeout=10)
        assert refused.startswith("RuntimeError: rooms of other processes' clients, in an async")
        assert "await asyncio.to_thread(...)" in refused
        own = here.client.call("do not await", ("rooms", here.sid), timeout=10)
        assert own == str([here.sid])

    def test_nobody_enters_the_room_of_a_client_elsewhere(self, cluster: Cluster) -> None:
        here, (one, there, _) = cluster.ones[0], cluster.clients
        with pytest.raises(Failed, match="cannot enter a sid room"):
            here.do("enter room", one.sid, there.sid)
        with pytest.raises(Failed, match="cannot close a sid room"):
            here.do("close room", there.sid)

    def test_a_disconnect_elsewhere_is_not_waited_for(self, cluster: Cluster) -> None:
        here, there = cluster.ones[0], cluster.client(cluster.ones[1], "d")
        assert here.tell("disconnect", there.sid)["seconds"] < AT_ONCE
        assert there.next() == "disconnected"
        assert f"client {there.sid} of / is another process's, which is told" in here.server.log
        nowhere = "nobody" + there.sid[6:]
        assert here.tell("disconnect", nowhere)["seconds"] < AT_ONCE
        assert f"client {nowhere} is not connected to /: nobody to disconnect" in here.server.log

    # -- emitting ------------------------------------------------------------------------------

    def test_to_all_a_room_a_client_and_a_list_and_not_to_some(self, cluster: Cluster) -> None:
        here, (a, b, c) = cluster.ones[0], cluster.clients
        for client in (a, b):
            client.join("hall")
        for options in (
            {"to": "hall"},
            {"to": ["hall", a.sid, "nobody's"]},
            {"to": [a.sid, b.sid]},
            {"skip_sid": c.sid},
            {"skip_sid": [c.sid, "nobody"]},
        ):
            here.do("emit", options, options)
            assert (a.next(), b.next()) == ((options,), (options,))
        here.do("emit", "end", {})
        assert [client.next() for client in cluster.clients] == [("end",)] * 3
        here.do("close room", "hall")

    def test_a_callback_gets_all_answers(self, cluster: Cluster) -> None:
        clients = [*cluster.clients, cluster.client(cluster.ones[1], "d")]
        for client in clients:
            client.join("jury")
        for one in cluster.ones:
            one.do("gather", "jury", "guilty?")
            wait_until(lambda one=one: len(one.do("answers")) == 4)
            assert sorted(one.do("answers")) == [[name, "guilty?"] for name in "abcd"]
        clients[-1].client.disconnect()
        cluster.ones[0].do("close room", "jury")

    # -- call() --------------------------------------------------------------------------------

    def test_a_call_is_answered(self, cluster: Cluster) -> None:
        for one in cluster.ones:
            for client, name in zip(cluster.clients, "abc", strict=True):
                assert one.do("call", client.sid, "who", 10) == [name, "who"]

    @pytest.mark.parametrize("where", [0, 1], ids=["here", "there"])
    def test_a_call_to_a_client_that_has_left_fails_at_once(
        self, cluster: Cluster, where: int
    ) -> None:
        here, left = cluster.ones[0], cluster.client(cluster.ones[where], "d")
        left.client.disconnect()
        wait_until(lambda: here.do("rooms", left.sid) == [])
        self._fails_at_once(here, left.sid)

    def test_a_call_to_a_process_that_never_was_fails_at_once(self, cluster: Cluster) -> None:
        sid = cluster.clients[1].sid
        self._fails_at_once(cluster.ones[0], "nobody" + sid[6:])

    @pytest.mark.parametrize("where", [0, 1], ids=["here", "there"])
    def test_a_call_to_a_client_that_leaves_fails_then(self, cluster: Cluster, where: int) -> None:
        here, leaving = cluster.ones[0], cluster.client(cluster.ones[where], "d")
        asked = threading.Event()

        @leaving.client.on("question")
        def think(_question: Any) -> None:
            asked.set()
            leaving.client.disconnect()

        with pytest.raises(Failed, match=r"client") as failed:
            here.do("call", leaving.sid, "well?", 4)
        assert asked.is_set()
        assert failed.value.kinds[0] == "UnknownClientError"

    def _fails_at_once(self, one: One, sid: str) -> None:
        with pytest.raises(Failed, match="client") as failed:
            one.do("call", sid, "are you there", 30)
        assert failed.value.seconds < AT_ONCE
        assert failed.value.kinds[:3] == ["UnknownClientError", "TimeoutError", "SocketIOError"]

    def test_a_call_to_whom_nobody_can_know_waits(self, cluster: Cluster) -> None:
        with pytest.raises(
            Failed, match=r"no ack for event 'question' within 0.5 seconds"
        ) as failed:
            cluster.ones[0].do("call", "nobody", "are you there", 0.5)
        assert failed.value.kinds[0] == "TimeoutError"
        assert failed.value.seconds >= 0.5

    # -- the end -------------------------------------------------------------------------------

    def test_one_that_is_killed_is_named_by_questions_until_it_is_known(
        self, cluster: Cluster
    ) -> None:
        """The last test: on a queue it takes 30 s until it is known (tests/unit/test_members.py)."""
        here = cluster.ones[0]
        with cluster.another() as one:
            node = one.node
            os.kill(one.server.pid, signal.SIGKILL)
            one.server.process.wait()
            if cluster.sees_death:
                wait_until(lambda: node not in here.status["nodes"], AT_ONCE)
                assert len(here.do("participants", None)) == PROCESSES
                return
            with pytest.raises(Failed, match=f"no answer from {node} within 3 s") as failed:
                here.do("participants", None)
            assert failed.value.nodes == [node]
            assert {"SilentNodesError", "TimeoutError"} < set(failed.value.kinds)
            assert failed.value.seconds < 4
