"""How a server ends, and what Flask serves beside the sockets while it runs."""

import asyncio
import http.client
import itertools
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.kit.server import ServerProcess
from tests.load.wire import Client, opened, reading

APP = Path(__file__).with_name("app.py")
PATIENCE = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


@pytest.fixture(params=["polling", "websocket"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=lambda given: given.name)
def ending(request: pytest.FixtureRequest) -> signal.Signals:
    return request.param


def end(server: ServerProcess, how: signal.Signals) -> None:
    """Signal the process and require a clean end: soon, with 0, without a traceback."""
    server.process.send_signal(how)
    begun = time.monotonic()
    code = server.process.wait(PATIENCE + 5)
    took = time.monotonic() - begun
    assert took < PATIENCE, f"{took:.1f} s\n{server.log}"
    assert code == 0, server.log
    assert "Traceback" not in server.log


def test_an_idle_server_ends_cleanly(ending: signal.Signals) -> None:
    with ServerProcess.script(APP) as server:
        end(server, ending)


def test_connected_clients_are_closed(ending: signal.Signals, transport: str) -> None:
    async def test(server: ServerProcess) -> None:
        client = await opened(server.address[1], transport)
        waiting = asyncio.create_task(client.read())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await asyncio.to_thread(end, server, ending)
        if transport == "polling":
            # The GET that was waiting is answered, not cut; after a close packet some clients would not come back.
            await asyncio.wait_for(waiting, PATIENCE)
            assert client.frames[-1] == "6"
        else:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(waiting, PATIENCE)
            assert closed.value.rcvd is not None, "cut, not closed"
            assert closed.value.rcvd.code == 1001
        client.close()

    with ServerProcess.script(APP) as server:
        asyncio.run(test(server))


def test_a_blocked_handler_does_not_hold_up_the_end(ending: signal.Signals, transport: str) -> None:
    async def test(server: ServerProcess) -> None:
        client = await opened(server.address[1], transport)
        await client.emit("block", 30)
        while client.events.empty():
            await client.read()
        await asyncio.to_thread(end, server, ending)
        client.close()

    with ServerProcess.script(APP) as server:
        asyncio.run(test(server))


@asynccontextmanager
async def both_transports(server: ServerProcess) -> AsyncIterator[list[Client]]:
    polling = await opened(server.address[1], "polling")
    websocket = await opened(server.address[1], "websocket")
    async with reading(polling), reading(websocket):
        yield [polling, websocket]


def beside_sockets(server: ServerProcess, check: Callable[[], None]) -> None:
    """Run a plain HTTP check in a thread while clients of both transports are connected and keep echoing."""

    async def echo(client: Client) -> int:
        count = 0
        while not over.is_set():
            assert await client.call("echo", count) == [count]
            count += 1
            await asyncio.sleep(0.01)
        return count

    async def test() -> None:
        async with both_transports(server) as clients:
            echoes = [asyncio.create_task(echo(client)) for client in clients]
            await asyncio.sleep(0.1)
            try:
                await asyncio.to_thread(check)
            finally:
                over.set()
            assert min(await asyncio.gather(*echoes)) > 1

    over = asyncio.Event()
    asyncio.run(test())


def test_pages_and_static_files(server: ServerProcess) -> None:
    def check() -> None:
        page = server.get("/")
        assert (page.status, page.text) == (200, "a page of Flask's")
        file = server.get("/static/plain.txt")
        assert (file.status, file.text) == (200, "a static file\n")
        assert file.headers["content-type"].startswith("text/plain")

    beside_sockets(server, check)


def test_an_unknown_page_is_flasks_404(server: ServerProcess) -> None:
    def check() -> None:
        reply = server.get("/nowhere")
        assert reply.status == 404
        assert reply.headers["content-type"].startswith("text/html")
        assert "The requested URL was not found on the server." in reply.text

    beside_sockets(server, check)


def test_a_posted_body_reaches_the_view(server: ServerProcess) -> None:
    body = bytes(range(256)) * 2000

    def check() -> None:
        connection = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
        connection.request("POST", "/upload", body, {"Content-Type": "application/x-test"})
        told = connection.getresponse().read()
        connection.close()
        assert told.replace(b" ", b"").replace(b"\n", b"") == (
            b'{"length":%d,"sum":%d,"type":"application/x-test"}' % (len(body), sum(body))
        )

    beside_sockets(server, check)


def test_a_stream_arrives_as_it_is_produced(server: ServerProcess) -> None:
    def check() -> None:
        connection = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
        connection.request("GET", "/stream")
        response = connection.getresponse()
        arrivals = []
        for number in range(4):
            assert response.readline() == b"chunk %d\n" % number
            arrivals.append(time.monotonic())
        assert response.read() == b""
        connection.close()
        gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
        assert min(gaps) > 0.1, f"chunks came {gaps} s apart"

    beside_sockets(server, check)


def test_a_signal_during_a_stream_ends_the_server(ending: signal.Signals) -> None:
    with ServerProcess.script(APP) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
        connection.request("GET", "/stream")
        assert connection.getresponse().readline() == b"chunk 0\n"
        end(server, ending)
        connection.close()


def test_a_blocked_view_does_not_hold_up_the_end(ending: signal.Signals) -> None:
    with ServerProcess.script(APP) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
        connection.request("GET", "/slow")
        server.wait_for_log(re.compile("the slow view has begun"), PATIENCE)
        end(server, ending)
        connection.close()
