"""A running server, asked as a client would."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from .finding import Finding, Findings, broken
from .path import Served, find_path
from .reach import Unreachable, page, reach, said_of
from .scripts import client_script, health, scripts_of
from .site import FAILURES, Site
from .transports import origins, quiet, sessions, websocket

_CHECKS: tuple[Callable[[Served], Findings], ...] = (
    origins, sessions, websocket, client_script, health,
)  # fmt: skip


def examine_server(url: str) -> Findings:
    """What is wrong with it, and what is not. Takes as long as the server's pings are apart, 25 s as a rule."""
    try:
        site, found = reach(url)
        yield from found
        address, answer, found = page(site)
        yield from found
        if Site(address).origin != site.origin:
            site, found = reach(address)
            yield from found
    except Unreachable as unreachable:
        yield unreachable.finding
        return
    text = answer.text if answer is not None else ""
    served, found = find_path(site, text)
    yield from found
    if served is not None:
        yield from _as_a_client(served)
    yield from scripts_of(address, text, served)


def _as_a_client(served: Served) -> Findings:
    """The check that waits does so beside the others."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_done, quiet, served)
        for check in _CHECKS if served.handshake else (websocket, client_script, health):
            yield from _done(check, served)
        yield from waiting.result()


def _done(check: Callable[[Served], Findings], served: Served) -> Iterable[Finding]:
    """What it has found until the server gave no answer."""
    found: list[Finding] = []
    try:
        found.extend(check(served))
    except FAILURES as error:
        found.append(
            broken(
                "no-answer",
                f"{check.__name__.replace('_', ' ')}: {said_of(error)}",
                "the server's and the proxy's log",
            )
        )
    return found
