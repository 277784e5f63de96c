"""Who may log in, how often it may be tried, and what instrument() takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from flask_socketio import Namespace, SocketIO
from flask_socketio.dashboard.login import Attempts, Sessions, digest_of, user_of
from tests.dashboard.kit import USER


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_attempts_of_an_address_are_bounded() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    assert [attempts.begin("1.2.3.4") for _ in range(12)] == [True] * 10 + [False] * 2
    assert attempts.begin("5.6.7.8")
    clock.now += 61
    assert attempts.begin("1.2.3.4")


def test_who_succeeds_has_not_failed() -> None:
    attempts = Attempts(Clock())
    for _ in range(50):
        assert attempts.begin("1.2.3.4")
        attempts.succeeded("1.2.3.4")


def test_attempts_of_many_addresses_are_bounded() -> None:
    attempts = Attempts(Clock())
    assert sum(attempts.begin(str(number)) for number in range(10_000)) == 100


def test_sessions_expire_and_are_bounded() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    first = sessions.begin("admin")
    assert sessions.user_of(digest_of(first)) == "admin"
    assert sessions.user_of(first) is None  # what is kept is no session
    clock.now += 86_401
    assert sessions.user_of(digest_of(first)) is None
    ids = {sessions.begin(str(number)) for number in range(1500)}
    assert len(ids) == 1500
    assert sum(sessions.user_of(digest_of(session)) is not None for session in ids) == 1000


OTHER = {"username": "other", "password": "ключ"}


@pytest.mark.parametrize(
    ("auth", "given", "user"),
    [
        (USER, USER, "admin"),
        (USER, {**USER, "more": 1}, "admin"),
        ([USER, OTHER], OTHER, "other"),
        ([USER, OTHER], {"username": "other", "password": "a long one"}, None),
        (USER, {"username": "admin"}, None),
        (USER, {"username": b"admin", "password": 5}, None),
        (USER, "admin", None),
        (USER, None, None),
        (lambda given: given["password"] == "x", {"username": "u" * 99, "password": "x"}, "u" * 64),
        (lambda given: given.get("password") == "x", {"username": "u"}, None),
        (False, None, "anybody"),
    ],
)
def test_user(auth: Any, given: Any, user: str | None) -> None:
    assert user_of(auth, given) == user


async def _nobody(given: Any) -> bool:
    return False


def test_an_async_function_lets_nobody_in() -> None:
    """What its call returns is true, whatever it would say."""
    with pytest.raises(ValueError, match="not an async def"):
        SocketIO(Flask(__name__)).instrument(auth=_nobody)
    waiting: list[Any] = []

    def hidden(given: Any) -> Any:
        waiting.append(_nobody(given))
        return waiting[-1]

    assert user_of(hidden, USER) is None
    waiting[0].close()


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({}, "instrument() needs auth="),
        ({"auth": None}, "auth=False lets in everybody"),
        ({"auth": True}, "instrument() needs auth="),
        ({"auth": []}, "instrument() needs auth="),
        ({"auth": {"username": "admin"}}, "instrument() needs auth="),
        ({"auth": [USER, {"username": "", "password": "x"}]}, "instrument() needs auth="),
        ({"auth": {"username": "admin", "password": "$2b$10$heqvAkYMez"}}, "bcrypt"),
        ({"auth": False, "mode": "debug"}, "'development' or 'production', not 'debug'"),
        ({"auth": False, "namespace": "/"}, "a namespace of its own"),
        ({"auth": False, "namespace": "*"}, "a namespace of its own"),
        ({"auth": False, "server_id": 5}, "server_id is a str"),
        ({"auth": False, "server_stats_interval": 0}, "seconds"),
        ({"auth": False, "server_stats_interval": "2"}, "seconds"),
    ],
)
def test_mistake_is_named(settings: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        SocketIO(Flask(__name__)).instrument(**settings)


def test_namespace_is_the_applications_or_the_dashboards() -> None:
    socketio = SocketIO(Flask(__name__))
    socketio.on_event("hello", print, namespace="/admin")
    with pytest.raises(ValueError, match="the application has handlers in namespace '/admin'"):
        socketio.instrument(auth=USER)
    other = SocketIO(Flask(__name__))
    other.instrument(auth=USER)
    with pytest.raises(ValueError, match="namespace '/admin' is the dashboard's"):
        other.on_event("connect", print, namespace="/admin")
    with pytest.raises(ValueError, match="namespace '/admin' is the dashboard's"):
        other.on_namespace(Namespace("/admin"))
    assert other.handlers == []


@pytest.mark.parametrize("mode", ["development", "production"])
def test_it_is_too_late(mode: Any) -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    socketio.test_client(app)
    with pytest.raises(RuntimeError, match="before the server begins"):
        socketio.instrument(auth=USER, mode=mode)


def test_there_is_one_dashboard() -> None:
    socketio = SocketIO(Flask(__name__))
    socketio.server.instrument(auth=USER)
    with pytest.raises(RuntimeError, match="there is one dashboard"):
        socketio.instrument(auth=USER, namespace="/other")


def test_it_comes_before_the_server() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    socketio.test_client(app)
    with pytest.raises(RuntimeError, match="before the server begins"):
        socketio.instrument(auth=USER)


def test_test_clients_are_refused() -> None:
    """There is no server to be looked at."""
    app = Flask(__name__)
    socketio = SocketIO(app)
    socketio.instrument(auth=USER)
    assert not socketio.test_client(app, namespace="/admin", auth=USER).is_connected("/admin")
    assert socketio.test_client(app).is_connected()


@pytest.mark.parametrize(("mode", "watchers"), [("production", 0), ("development", 1)])
def test_production_watches_nothing(mode: Any, watchers: int) -> None:
    """So each event takes the way that it takes without a dashboard."""
    app = Flask(__name__)
    socketio = SocketIO(app)
    socketio.instrument(auth=USER, mode=mode)
    assert len(socketio._life._application(app).watchers) == watchers
