"""Those who look at a dashboard: the official page in Chromium, and a client that keeps all that it is told."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import socketio
from playwright.sync_api import Locator, expect

from tests.clients.browser import Visit
from tests.kit.neighbour import OrderedClient, PatientSimpleClient
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")
USER = {"username": "admin", "password": "a long one"}
PATIENCE = 20.0

Told = tuple[str, list[Any]]


def environment(settings: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
    return {"DASHBOARD": json.dumps(settings), "OPTIONS": json.dumps(options)}


def served(
    *, workers: int = 1, options: dict[str, Any] | None = None, **settings: Any
) -> ServerProcess:
    """The chat with a dashboard; `settings` are `instrument()`'s, `options` `SocketIO`'s."""
    env = environment({"server_stats_interval": 0.3, **settings}, options or {})
    return ServerProcess.script(APP, {**env, "WORKERS": str(workers)})


class Admin:
    """What the page would be told."""

    def __init__(
        self, url: str, auth: dict[str, Any] | None, namespace: str = "/admin", **options: Any
    ) -> None:
        self.told: list[Told] = []
        self.refusal: str | None = None
        self._namespace = namespace
        self._news = threading.Condition()
        self.client = OrderedClient(reconnection=False)
        self.client.on("*", self._hear, namespace=namespace)
        self.client.on("connect_error", self._refused, namespace=namespace)
        try:
            self.client.connect(url, namespaces=[namespace], auth=auth, **options)
        except socketio.exceptions.ConnectionError:
            assert self.refusal is not None
            self.client.disconnect()

    def _hear(self, event: str, *args: Any) -> None:
        with self._news:
            self.told.append((event, list(args)))
            self._news.notify_all()

    def _refused(self, data: dict[str, Any]) -> None:
        self.refusal = data["message"]

    def wait_for(self, event: str, fits: Callable[..., bool] = lambda *_: True) -> list[Any]:
        """The arguments of an event that has come, or comes."""
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while True:
                for name, args in self.told:
                    if name == event and fits(*args):
                        return args
                left = deadline - time.monotonic()
                assert self._news.wait(left), (
                    event,
                    [told for told in self.told if told[0] != "server_stats"],
                )

    def all(self, event: str) -> list[list[Any]]:
        with self._news:
            return [args for name, args in self.told if name == event]

    def do(self, command: str, *args: Any) -> None:
        self.client.emit(command, args, namespace=self._namespace)


@contextmanager
def admin(url: str, auth: dict[str, Any] | None = USER, **options: Any) -> Iterator[Admin]:
    looking = Admin(url, auth, **options)
    try:
        yield looking
    finally:
        looking.client.disconnect()


@contextmanager
def client(url: str, namespace: str = "/", **options: Any) -> Iterator[socketio.SimpleClient]:
    with PatientSimpleClient(reconnection=False) as talking:
        talking.connect(url, namespace=namespace, **options)
        yield talking


class DashboardPage:
    """The official page."""

    def __init__(self, visit: Visit, path: str = "/socket.io/admin/") -> None:
        self.visit = visit
        self.page = visit.page
        visit.open(path)

    def log_in(self, username: str = USER["username"], password: str = USER["password"]) -> None:
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Connect").click()

    def expect_connected(self) -> None:
        expect(self.page.get_by_text("connected", exact=True).first).to_be_visible(
            timeout=PATIENCE * 1000
        )
        expect(self.page.get_by_label("Username")).to_be_hidden()

    def show(self, name: str) -> None:
        """One of the lists on the left."""
        self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()

    def row(self, *texts: str) -> Locator:
        """The line of a table that has all of these."""
        found = self.page.locator("tbody tr")
        for text in texts:
            found = found.filter(has_text=re.compile(re.escape(text), re.IGNORECASE))
        return found.first

    def expect_row(self, *texts: str) -> None:
        expect(self.row(*texts)).to_be_visible(timeout=PATIENCE * 1000)

    def expect_no_row(self, *texts: str) -> None:
        expect(self.row(*texts)).to_have_count(0, timeout=PATIENCE * 1000)
