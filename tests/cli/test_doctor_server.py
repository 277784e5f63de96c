"""`flask socketio doctor URL`: real servers, real proxies, and what people get wrong with them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from tests.cli.findings import PATIENT, Findings, found_at
from tests.cli.nginx import HOST, UPGRADE, Nginx, passing
from tests.cli.terminal import FLASK, typed
from tests.kit.ports import free_port
from tests.kit.server import ServerProcess

QUICK = {"ping_interval": 1, "health": True}
WELL = {"origin", "sessions", "websocket", "upgrade", "client-script", "health", "long-poll"}


def server_of(page: str = "", more: tuple[str, ...] = (), **options: object) -> ServerProcess:
    command = [*FLASK, "--app", str(PATIENT), "socketio", "run", "--port", "0", *more]
    env = {"OPTIONS": json.dumps({**QUICK, **options}), **({"PAGE": page} if page else {})}
    return ServerProcess(command, env)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with server_of() as server:
        yield server


def found_behind(server: ServerProcess, folder: Path, lines: str) -> Findings:
    with Nginx(folder, passing(server, lines)) as nginx:
        return found_at(nginx.url)


def well(found: Findings) -> set[str]:
    return {finding["name"] for finding in found.all if finding["severity"] == "ok"}


# -- all is well -----------------------------------------------------------------------------------


def test_directly(server: ServerProcess) -> None:
    found = found_at(server.url)
    assert found.broken == set() and well(found) >= WELL, found.all
    assert not any(finding["severity"] == "warning" for finding in found.all)


def test_behind_a_proxy(server: ServerProcess, tmp_path: Path) -> None:
    found = found_behind(server, tmp_path, UPGRADE + HOST)
    assert found.broken == set() and well(found) >= WELL, found.all


# -- proxies ---------------------------------------------------------------------------------------


def test_a_proxy_without_upgrade(server: ServerProcess, tmp_path: Path) -> None:
    found = found_behind(server, tmp_path, HOST)
    assert found.broken == {"websocket-blocked"}
    assert "status 400" in found.text("websocket-blocked")
    for line in UPGRADE.splitlines():
        assert line in found.text("websocket-blocked")


def test_a_proxy_that_changes_the_host(server: ServerProcess, tmp_path: Path) -> None:
    found = found_behind(server, tmp_path, UPGRADE)
    assert found.broken == {"origin"}
    assert "proxy_set_header Host $http_host" in found.text("origin")


def test_a_proxy_that_does_not_wait(tmp_path: Path) -> None:
    with server_of(ping_interval=6) as server:
        found = found_behind(server, tmp_path, UPGRADE + HOST + "proxy_read_timeout 2s;")
    assert found.broken == {"proxy-timeout"}
    assert "ended after 2 s (status 504)" in found.text("proxy-timeout")


def test_a_proxy_without_its_server(tmp_path: Path) -> None:
    locations = f"location / {{ proxy_pass http://127.0.0.1:{free_port()}; }}"
    with Nginx(tmp_path, locations) as nginx:
        found = found_at(nginx.url)
    assert found.broken == {"proxy-without-server", "no-socketio-path"}


def test_servers_that_do_not_know_each_other(server: ServerProcess, tmp_path: Path) -> None:
    with server_of() as other:
        one, two = (f"server 127.0.0.1:{each.address[1]};" for each in (server, other))
        locations = f"location / {{ proxy_pass http://both; {UPGRADE} {HOST} }}"
        with Nginx(tmp_path, locations, before=f"upstream both {{ {one} {two} }}") as nginx:
            found = found_at(nginx.url)
    assert "sticky-sessions" in found.broken
    assert "ip_hash" in found.text("sticky-sessions")


def test_workers_are_one_server(tmp_path: Path) -> None:
    with server_of("", ("--workers", "2")) as server:
        found = found_behind(server, tmp_path, UPGRADE + HOST)
    assert found.broken == set() and well(found) >= WELL, found.all


def test_javascript_that_a_proxy_looks_for_itself(server: ServerProcess, tmp_path: Path) -> None:
    locations = passing(server, UPGRADE + HOST) + "location ~ \\.js$ { root /nonexistent; }"
    with Nginx(tmp_path, locations) as nginx:
        found = found_at(nginx.url)
    assert found.severity("client-script") == "note"
    assert "status 404" in found.text("client-script")


# -- the path --------------------------------------------------------------------------------------


def test_below_a_prefix(server: ServerProcess, tmp_path: Path) -> None:
    with Nginx(tmp_path, passing(server, UPGRADE + HOST, "/shop/", "/")) as nginx:
        found = found_at(f"{nginx.url}/shop/basket/")
        nowhere = found_at(nginx.url)
    assert found.broken == set() and found.severity("path") == "note"
    assert 'io({ path: "/shop/socket.io/" })' in found.text("path")
    assert nowhere.broken == {"no-socketio-path"}
    assert "/socket.io/: 404" in nowhere.text("no-socketio-path")


def test_a_path_of_ones_own() -> None:
    page = '<script>io({path: "/live/events"})</script>'
    with server_of(page, path="live/events") as server:
        at_root = found_at(server.url)
        found = found_at(f"{server.url}/live/events")
    assert at_root.broken == {"no-socketio-path"}
    assert "200, a page of something else" in at_root.text("no-socketio-path")
    assert found.broken == set() and "/live/events/" in found.text("path")


# -- the server ------------------------------------------------------------------------------------


def test_without_health_and_websocket() -> None:
    with server_of(health=False, transports=["polling"]) as server:
        found = found_at(server.url)
    assert found.broken == set()
    assert found.severity("health") == found.severity("no-websocket") == "note"


def test_without_polling() -> None:
    with server_of(transports=["websocket"]) as server:
        found = found_at(server.url)
    assert found.severity("no-polling") == "note" and found.severity("websocket") == "ok"


def test_any_origin() -> None:
    with server_of(cors_allowed_origins="*") as server:
        assert found_at(server.url).severity("any-origin") == "warning"


def test_its_own_page_is_none_of_the_origins() -> None:
    with server_of(cors_allowed_origins="https://example.com") as server:
        found = found_at(server.url)
    assert found.broken == {"origin"}
    assert f"cors_allowed_origins=['{server.url}']" in found.text("origin")


def test_nothing_listens() -> None:
    found = found_at(f"127.0.0.1:{free_port()}")
    assert found.broken == {"unreachable"} and "nothing listens" in found.text("unreachable")


@contextmanager
def another_server(date: str, location: str = "", status: int = 404) -> Iterator[str]:
    """One that is no server of ours, and has another clock."""

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_a_server_says_gives_the_terminal_no_orders() -> None:
    with another_server("now", "\x1b[2J\x1b]0;x\x07") as url:
        done = typed(Path("/"), *FLASK, "socketio", "doctor", url)
    assert "404, leads to ?[2J?]0;x?" in done.stdout
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout


def test_clocks() -> None:
    with another_server("Tue, 01 Jan 2019 00:00:00 GMT") as url:
        found = found_at(url)
    assert found.severity("clock") == "warning" and "behind" in found.text("clock")
    assert found.broken == {"no-socketio-path"}


# -- TLS -------------------------------------------------------------------------------------------


def test_certificates(tmp_path: Path) -> None:
    authority, pem, known = trustme.CA(), tmp_path / "pem", tmp_path / "known"
    soon = datetime.now() + timedelta(days=3)
    certificate = authority.issue_cert("127.0.0.1", not_after=soon)
    certificate.private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(known)
    with server_of("", ("--certfile", str(pem))) as server:
        url = server.url.replace("http:", "https:")
        unknown, trusted = found_at(url), found_at(url, {"SSL_CERT_FILE": str(known)})
        plain = found_at(f"http://127.0.0.1:{server.address[1]}/")
    assert unknown.broken == {"certificate"} and well(unknown) >= WELL
    assert trusted.broken == set() and well(trusted) >= WELL
    assert "expires in" in trusted.text("certificate")
    assert plain.broken


def test_tls_where_there_is_none(server: ServerProcess) -> None:
    found = found_at(server.url.replace("http:", "https:"))
    assert found.broken == {"no-tls"} and "does not speak TLS" in found.text("no-tls")


# -- what the page loads ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "https://cdnjs.cloudflare.com/ajax/libs/socket.io/2.0.4/socket.io.js",
        "//cdn.jsdelivr.net/npm/socket.io-client@2/dist/socket.io.js",
        "https://cdn.socket.io/socket.io-1.4.5.js",
        "/static/old.socket.io.js",
    ],
)
def test_an_old_client(source: str) -> None:
    with server_of(f"<html><script defer src='{source}'></script></html>") as server:
        found = found_at(server.url)
    assert found.broken == {"old-client"}
    assert '<script src="/socket.io/socket.io.min.js"></script>' in found.text("old-client")
    assert (found.severity("cdn") == "note") is ("//" in source)


def test_a_client_of_today() -> None:
    page = (
        '<script src="https://cdn.socket.io/4.7.5/socket.io.min.js"></script>'
        '<script src="/socket.io/socket.io.min.js"></script>'
    )
    with server_of(page) as server:
        found = found_at(server.url)
    assert found.broken == set()
    loaded = [finding["seen"] for finding in found.all if finding["name"] == "page-client"]
    assert [words.split(": ")[0][-5:] for words in loaded] == ["4.7.5", "4.8.4"]
    assert "cdn.socket.io" in found.text("cdn")


@pytest.mark.parametrize("source", ["http://host:port/socket.io.js", "http://[1/socket.io.js"])
def test_a_script_that_is_nowhere(source: str) -> None:
    """A page may have anything in it."""
    with server_of(f'<html><script src="{source}"></script></html>') as server:
        found = found_at(server.url)
    assert found.broken == set() and well(found) >= WELL


def test_a_redirect_to_no_page() -> None:
    with another_server("now", "myapp://somewhere", 302) as url:
        found = found_at(url)
    assert "myapp://somewhere, where no page can be" in found.text("redirect")
    assert found.broken == {"redirect", "no-socketio-path"}
