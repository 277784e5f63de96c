"""The guestbook's own tests, as its author would write them; test_apps.py runs them."""

import pytest
from guestbook import app, entries, socketio


@pytest.fixture(autouse=True)
def empty():
    entries.clear()


@pytest.fixture
def client():
    return socketio.test_client(app)


def test_connect_sends_the_entries(client):
    assert client.is_connected()
    assert client.get_received() == [{"name": "entries", "args": [[]], "namespace": "/"}]
    assert client.get_received() == []


def test_refused():
    assert not socketio.test_client(app, auth={"banned": True}).is_connected()
    assert not socketio.test_client(app, query_string="?banned=1").is_connected()
    assert not socketio.test_client(app, query_string="banned=1").is_connected()


def test_signing_reaches_everybody(client):
    other = socketio.test_client(app)
    client.get_received()
    other.get_received()
    ack = client.emit("sign", "hello", callback=True)
    assert ack == [1, "en"]
    entry = {"name": "anonymous", "text": "hello"}
    for each in (client, other):
        assert each.get_received() == [{"name": "signed", "args": [entry], "namespace": "/"}]


def test_cookies_and_headers():
    web = app.test_client()
    web.get("/sign-in/ann")
    client = socketio.test_client(app, flask_test_client=web, headers={"X-Language": "de"})
    assert client.emit("sign", "hallo", callback=True) == [1, "de"]
    assert client.get_received()[-1]["args"][0]["name"] == "ann"


def test_an_exception_reaches_the_test(client):
    with pytest.raises(ValueError, match="an empty entry"):
        client.emit("sign", "")
    assert entries == []


def test_clear_is_for_the_others(client):
    other = socketio.test_client(app)
    client.get_received()
    other.get_received()
    assert client.emit("clear") is None
    assert client.get_received() == []
    assert other.get_received() == [{"name": "cleared", "args": [], "namespace": "/"}]


def test_rooms(client):
    other = socketio.test_client(app)
    other.emit("follow", "news")
    client.emit("follow", "news")
    assert other.get_received()[1:] == [
        {"name": "following", "args": ["news", 2], "namespace": "/"},
        {"name": "following", "args": ["news", 2], "namespace": "/"},
    ]
    socketio.emit("story", {"n": 1}, to="news")
    assert client.get_received()[-1] == {"name": "story", "args": [{"n": 1}], "namespace": "/"}


def test_send_and_json(client):
    client.get_received()
    assert client.send("hi", callback=True) == "HI"
    client.send({"a": [1]}, json=True)
    assert client.get_received() == [
        {"name": "json", "args": {"got": {"a": [1]}}, "namespace": "/"}
    ]


def test_unknown_events(client):
    assert client.emit("nothing like this", callback=True) is None


def test_disconnect(client):
    client.emit("go away")
    assert not client.is_connected()
    with pytest.raises(RuntimeError):
        client.emit("sign", "x")


def test_leaving_by_oneself(client):
    client.disconnect()
    assert not client.is_connected()
    with pytest.raises(RuntimeError):
        client.disconnect()


def test_namespaces(client):
    assert not client.is_connected("/admin")
    client.connect("/admin")
    assert not client.is_connected("/admin")
    web = app.test_client()
    web.get("/sign-in/root")
    root = socketio.test_client(app, "/admin", flask_test_client=web)
    assert root.is_connected("/admin")
    assert not root.is_connected()
    assert root.emit("stats", namespace="/admin", callback=True) == ["ok", 0]
    assert root.get_received("/admin") == [
        {"name": "stats", "args": [{"entries": 0}], "namespace": "/admin"}
    ]
