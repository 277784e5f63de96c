"""The page's files, as they are sent."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_socketio
from tests.dashboard.kit import served
from tests.kit.raw import Reply, request
from tests.kit.server import ServerProcess
from tests.workers.test_workers import app_process

STATIC = Path(flask_socketio.__file__).parent / "static"
PLACE = "/socket.io/admin/"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with served() as server:
        yield server


def get(server: ServerProcess, name: str, method: str = "GET", **headers: str) -> Reply:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return request(server.address, method, PLACE + name, headers=sent)


def test_files_are_the_pinned_ones(server: ServerProcess) -> None:
    record = json.loads((STATIC / "admin" / "PAGE.json").read_text())
    names = set(record["sha256"]) - {"admin/LICENSE", "admin/index.html"}
    assert len(names) >= 7
    for name in names:
        reply = get(server, name.removeprefix("admin/"))
        assert reply.status == 200
        assert hashlib.sha256(reply.body).hexdigest() == record["sha256"][name]


def test_nothing_is_from_elsewhere(server: ServerProcess) -> None:
    official = (STATIC / "admin" / "index.html").read_text()
    page = get(server, "").body.decode()
    assert "https://fonts.googleapis.com" in official
    assert "//" not in page.replace("<!DOCTYPE html>", "")
    for script in re.findall(r"<script[^>]*></script>", official):
        assert script in page
    policy = get(server, "").headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("name", ["", "preset.js", "icons.css", "js/app.0d7d7845.js"])
def test_what_has_not_changed_is_not_sent_again(server: ServerProcess, name: str) -> None:
    reply = get(server, name)
    assert reply.headers["x-content-type-options"] == "nosniff"
    again = get(server, name, if_none_match=reply.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    connection = http.client.HTTPConnection(*server.address)
    connection.request("HEAD", PLACE + name)
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    assert head.headers["content-length"] == str(len(reply.body))
    connection.close()


def test_large_ones_are_compressed(server: ServerProcess) -> None:
    name = "js/chunk-vendors.934c03ff.js"
    plain, packed = get(server, name), get(server, name, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2


def test_slash_may_be_missing(server: ServerProcess) -> None:
    reply = request(server.address, "GET", PLACE[:-1])
    assert (reply.status, reply.headers["location"]) == (308, "admin/")


@pytest.mark.parametrize(
    "name",
    [
        "LICENSE",
        "PAGE.json",
        "index.html",
        "../CLIENT.json",
        "icons/logout.svg",
        "js",
        "js/",
        "%2e%2e/x",
    ],
)
def test_there_is_no_other_file(server: ServerProcess, name: str) -> None:
    assert get(server, name).status == 400


def test_page_is_not_written_to(server: ServerProcess) -> None:
    assert get(server, "", "POST").status == 400


def test_without_instrument_there_is_nothing() -> None:
    with app_process(1) as server:
        assert get(server, "").status == 400
        assert get(server, "preset.js").status == 400
