"""What clients send to handlers that are annotated with models, over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from socketio.exceptions import ConnectionError

from tests.kit.neighbour import PatientClient as Client
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    client = Client()
    client.connect(
        server.url,
        namespaces=["/", "/board", "/recorded", "/handled"],
        auth={"token": "let me in"},
        transports=["websocket"],
    )
    yield client
    client.disconnect()


def misfit(argument: str, field: str, problem: str) -> dict[str, Any]:
    fields = [{"argument": argument, "field": field, "problem": problem}]
    return {"error": "invalid payload", "fields": fields}


X_IS_TEXT = misfit("point", "x", "Expected `int`, got `str`")


@pytest.mark.parametrize(
    ("event", "sent", "answer"),
    [
        ("photo", ("2026", {"name": "a", "data": b"\x00\xff"}), ["2026/a", 2]),
        ("photo", ("2026", {"name": "b"}), ["2026/b", 0]),
        ("later", {"number": 7}, 7),
        ("point", {"x": 1, "y": 2, "unknown": 3}, {"x": 1, "y": 2}),
        ("line", {"points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
         {"points": [{"x": 3, "y": 4}, {"x": 1, "y": 2}]}),
        ("people", ({"name": "b", "age": 9}, {"name": "a", "age": "8"}),
         [{"name": "a", "age": 8}, {"name": "b", "age": 9}]),
        ("made up", {"x": 1, "y": 2}, ["made up", 1]),
    ],
)  # fmt: skip
def test_what_fits_is_converted(client: Client, event: str, sent: Any, answer: Any) -> None:
    found = client.call(event, sent, timeout=20)
    assert (list(found) if isinstance(found, tuple) else found) == answer


@pytest.mark.parametrize(
    ("event", "sent", "answer"),
    [
        ("photo", ("2026", {"name": 5}), misfit("photo", "name", "Expected `str`, got `int`")),
        ("photo", (2026, {"name": "a"}), misfit("album", "", "Expected `str`, got `int`")),
        ("photo", ("2026", {"name": "a", "data": "text"}),
         misfit("photo", "data", "Expected `bytes`, got `str`")),
        ("photo", ("2026", {}),
         misfit("photo", "name", "Object missing required field `name`")),
        ("photo", "2026", misfit("photo", "", "Missing")),
        ("photo", ("2026", {"name": "a"}, 1), misfit("", "", "Expected at most 2, got 3")),
        ("later", {"number": None}, misfit("value", "number", "Expected `int`, got `null`")),
        ("point", [1, 2], misfit("point", "", "Expected `object`, got `array`")),
        ("line", {"points": [{"x": 1, "y": 2}, {"x": 3}]},
         misfit("line", "points[1].y", "Object missing required field `y`")),
        ("people", {"name": "a", "age": "x"},
         misfit("people", "age",
                "Input should be a valid integer, unable to parse string as an integer")),
        ("made up", {"x": "1", "y": 2}, X_IS_TEXT),
    ],
)  # fmt: skip
def test_what_does_not_is_told_in_the_ack(
    client: Client, event: str, sent: Any, answer: Any
) -> None:
    assert client.call(event, sent, timeout=20) == answer


def test_each_thing_that_is_wrong_is_told(client: Client) -> None:
    answer = client.call("people", ({"name": 1, "age": 2}, {"age": "x"}), timeout=20)
    assert [item["field"] for item in answer["fields"]] == ["name", "name", "age"]


def test_what_is_told_is_bounded(client: Client) -> None:
    answer = client.call("people", tuple([{"name": [], "age": {}}] * 500), timeout=20)
    assert len(answer["fields"]) == 20


@pytest.mark.parametrize("namespace", ["/board", "/recorded"])
def test_methods_of_classes(client: Client, namespace: str) -> None:
    assert client.call("point", {"x": 5, "y": 2}, namespace=namespace, timeout=20) == 5
    assert client.call("point", {"x": "5", "y": 2}, namespace=namespace, timeout=20) == X_IS_TEXT
    too_many = client.call("point", ({"x": 5, "y": 2}, 1), namespace=namespace, timeout=20)
    assert too_many == misfit("", "", "Expected at most 1, got 2")


def test_an_error_handler_answers_in_its_place(client: Client) -> None:
    answer = client.call("point", {"x": "é\n", "y": 2}, namespace="/handled", timeout=20)
    said = "argument 'point', field 'x': Expected `int`, got `str`; the client has sent "
    assert answer == {"event": "point", "said": said + r"{'x': 'é\n', 'y': 2}"}


def test_what_a_client_gives_as_auth(server: ServerProcess) -> None:
    for auth, fields in (
        ({"token": 5}, misfit("auth", "token", "Expected `str`, got `int`")["fields"]),
        ({}, misfit("auth", "token", "Object missing required field `token`")["fields"]),
    ):
        client = Client(reconnection=False)
        refused: list[Any] = []
        client.on("connect_error", refused.append, namespace="/board")
        with pytest.raises(ConnectionError):
            client.connect(server.url, namespaces=["/board"], auth=auth, transports=["websocket"])
        client.disconnect()
        assert refused == [{"message": "invalid payload", "data": {"fields": fields}}]


def test_it_is_counted_and_logged_once_a_minute(client: Client, server: ServerProcess) -> None:
    before = server.get_json("/counters")
    for _ in range(50):
        client.call("point", {"x": "<" * 10_000}, timeout=20)
    after = server.get_json("/counters")
    assert after["payloads_refused"] - before["payloads_refused"] == 50
    assert after["handlers_failed"] == before["handlers_failed"]
    told = "handler of event 'point' in namespace '/' refused: "
    lines = [line for line in server.log.splitlines() if told in line]
    assert 1 <= len(lines) <= 2
    assert all(len(line) < 1000 for line in lines)
