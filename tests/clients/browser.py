"""A real Chromium that can reach one server and nothing else, and tells what it asked for."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.kit.missing import skip_or_fail

# The last one is the block itself: no other name resolves, whoever asks (a page, a script, Chromium).
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        skip_or_fail("Chromium is not installed: neither chromium nor chromium-browser is in PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One page of a fresh browser context. `hosts` and `errors` tell what it asked for and what went wrong."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.requests: list[str] = []
        self.console: list[str] = []
        self.errors: list[str] = []
        # A pattern, not a function: the browser's side matches it, so polling never waits for the test.
        context.route(re.compile(f"^(?!{re.escape(url)}/|data:)"), lambda route: route.abort())
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda websocket: self.requests.append(websocket.url))
        self.page.on("console", lambda message: self.hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def hear(self, kind: str, text: str) -> None:
        self.console.append(text)
        if kind == "error":
            self.errors.append(text)

    @property
    def hosts(self) -> set[str]:
        """Every host and port that was asked for anything, over HTTP or WebSocket."""
        parts = [urlsplit(url) for url in self.requests]
        return {part.netloc for part in parts if part.scheme != "data"}

    @property
    def own_host(self) -> str:
        return urlsplit(self.url).netloc

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)

    def run(self, script: str, argument: Any = None) -> Any:
        """Run an async function's body in the page; `given` is the argument."""
        return self.page.evaluate(f"async (given) => {{ {script} }}", argument)


@contextmanager
def visit(browser: Browser, url: str) -> Iterator[Visit]:
    context = browser.new_context()
    try:
        yield Visit(context, url)
    finally:
        context.close()
