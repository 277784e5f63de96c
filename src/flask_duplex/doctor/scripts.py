"""The browser's client: the one that the server has, those that the page loads; and the server's health."""

from __future__ import annotations

import json
import re

from .finding import Finding, Findings, broken, note, ok, warning
from .path import Served
from .reach import target_of
from .site import FAILURES, Site, followed

_SCRIPT = re.compile(r"<script\b[^>]*?\bsrc\s*=\s*[\"']?([^\"'\s>]*socket\.io[^\"'\s>]*)", re.I)
#: In the URL of a CDN, and in the first lines of the file.
_IN_URL = re.compile(r"socket\.io(?:-client)?[@/-]v?(\d+)(?:\.(\d+))?(?:\.(\d+))?\b")
_IN_TEXT = re.compile(r"Socket\.IO v?(\d+)\.(\d+)\.(\d+)", re.I)
_HEAD = 4000  # characters of a script
_MOST = 10
_OLDEST = (3,)  # socket.io-client 3 and 4 speak Engine.IO 4
_OURS = '<script src="{}socket.io.min.js"></script>'

Version = tuple[int, ...]


def client_script(served: Served) -> Findings:
    """The one that the server brings along."""
    target = f"{served.path}socket.io.min.js"
    answer = served.site.get(target)
    version = _version_in(answer.text) if answer.status == 200 else None
    if version is not None:
        yield ok("client-script", f"{target} is socket.io-client {_shown(version)}")
    else:
        yield note(
            "client-script",
            f"{target} is not the client (status {answer.status})",
            "serve_client=True at the server; a proxy must not look for *.js below Socket.IO's path by itself",
        )


def scripts_of(url: str, page: str, served: Served | None) -> Findings:
    """Those that a page loads; of another host nothing is fetched."""
    ours = _OURS.format(served.path if served is not None else "/socket.io/")
    for source in list(dict.fromkeys(_SCRIPT.findall(page)))[:_MOST]:
        if (address := followed(url, source)) is not None:
            yield from _script(url, address, ours)


def _script(url: str, address: str, ours: str) -> Findings:
    script = Site(address, verify=False)
    is_own = script.origin == Site(url).origin
    version = _fetched(script) if is_own else None
    version = version or _version_at(address)
    if version is None:
        return
    if version < _OLDEST:
        yield _too_old(address, version, ours)
    else:
        yield ok("page-client", f"the page loads socket.io-client {_shown(version)}: {address}")
    if not is_own:
        yield note(
            "cdn",
            f"the page needs {script.host}: without the internet it does not work",
            f"the server brings the client along: {ours}",
        )


def _too_old(address: str, version: Version, ours: str) -> Finding:
    return broken(
        "old-client",
        f"the page loads socket.io-client {_shown(version)} ({address}): the server refuses its Engine.IO 3",
        f"socket.io-client 3 or later: {ours}",
    )


def _fetched(script: Site) -> Version | None:
    try:
        return _version_in(script.get(target_of(script)).text)
    except FAILURES:
        return None


def _version_in(text: str) -> Version | None:
    return _numbers(_IN_TEXT.search(text, 0, _HEAD))


def _version_at(address: str) -> Version | None:
    return _numbers(_IN_URL.search(address))


def _numbers(found: re.Match[str] | None) -> Version | None:
    return None if found is None else tuple(int(number) for number in found.groups() if number)


def _shown(version: Version) -> str:
    return ".".join(map(str, version))


def health(served: Served) -> Findings:
    """What it says of itself, if it does."""
    answer = served.site.get(f"{served.path}health")
    try:
        fields = json.loads(answer.body)
        status, reasons = fields["status"], fields["reasons"]
    except (ValueError, KeyError, TypeError):
        yield note("health", "the server does not say how it is", "health=True")
        return
    if status == "ok":
        yield ok("health", "the server says that it is well")
    else:
        yield warning(
            "health", f"the server is {status}: {', '.join(map(str, reasons))}", "its log says more"
        )
