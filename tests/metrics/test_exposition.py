"""What Prometheus fetches: who may, and whether its own parsers and promtool find anything wrong with it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from flask import Flask
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from flask_socketio import SocketIO
from flask_socketio.runtime.metrics import METRICS, Kind
from tests.kit.missing import skip_or_fail
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess
from tests.metrics.served import ADDRESS, BEARER, app_process, fetched, wait_for

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def visited(server: ServerProcess) -> None:
    """Somebody has been there, and somebody has been refused."""
    client = OrderedClient()
    client.connect(server.url, transports=["polling", "websocket"])
    client.emit("echo", 'a "quoted"\nline')
    assert client.call("soon", timeout=20) == "done"
    assert server.get("/socket.io/?EIO=4&transport=pigeon").status == 400
    client.disconnect()
    wait_for(server, lambda found: sum(found["connections_closed"].values()) == 1)
    wait_for(server, lambda found: sum(found["events_handled"]["/"].values()) == 2)


@pytest.mark.parametrize("accept", ["text/plain", OPEN_METRICS], ids=["prometheus", "openmetrics"])
def test_the_official_parsers_read_it(accept: str) -> None:
    with app_process() as server:
        visited(server)
        reply = server.get(ADDRESS, **BEARER, Accept=accept)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith(accept.partition(";")[0])
    parse = open_families if accept == OPEN_METRICS else families
    found = {family.name: family for family in parse(reply.body.decode())}
    assert {name.removeprefix("socketio_") for name in found} == set(METRICS)
    for name, metric in METRICS.items():
        family = found[f"socketio_{name}"]
        assert family.type == metric.kind.value
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), sample
    (refused,) = found["socketio_handshakes_refused"].samples
    assert (refused.name, refused.labels, refused.value) == (
        "socketio_handshakes_refused_total",
        {"reason": "Transport unknown"},
        1,
    )
    handled = {
        tuple(sample.labels.values()): sample.value
        for sample in found["socketio_events_handled"].samples
    }
    assert sum(handled.values()) == 2


def promtool(*arguments: str, text: bytes = b"") -> None:
    if shutil.which("promtool") is None:
        skip_or_fail("promtool is not installed: Debian's package prometheus has it")
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_promtool_finds_nothing_wrong() -> None:
    with app_process() as server:
        visited(server)
        text = server.get(ADDRESS, **BEARER).body
    promtool("check", "metrics", text=text)


# -- who may -----------------------------------------------------------------------------------------


def test_only_with_the_token() -> None:
    with app_process() as server:
        for headers in (
            {},
            {"Authorization": "Bearer another"},
            {"Authorization": "Basic 0123456789abcdef-token"},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer \xff\xfe"},
        ):
            reply = server.get(ADDRESS, **headers)
            assert reply.status == 401, headers
            assert reply.headers["www-authenticate"] == "Bearer"
            assert b"socketio_" not in reply.body
        assert server.get(f"{ADDRESS}?token=0123456789abcdef-token").status == 401
        assert server.get(ADDRESS, **BEARER).status == 200
        assert server.get(ADDRESS, Authorization="bearer 0123456789abcdef-token").status == 200
        assert fetched(server)["http_refused"] == {"metrics without their token": 6}
        assert server.log.count("metrics refused") == 1


def test_measured_without_a_token_it_is_open_to_nobody() -> None:
    with app_process(TOKEN="") as server:
        reply = server.get(ADDRESS, **BEARER)
        assert reply.status == 403
        assert b"takes a token" in reply.body
        assert "handler_seconds" in server.get_json("/metrics")


def test_off_there_is_nothing() -> None:
    socketio = SocketIO(Flask(__name__))
    assert socketio._life.options.metrics is None
    app = Flask(__name__)
    SocketIO(app, metrics=False)
    assert app.test_client().get(ADDRESS).status_code == 400


def test_hosts_are_checked_as_everywhere() -> None:
    with app_process(OPTIONS='{"allowed_hosts": "app.example"}') as server:
        assert server.get(ADDRESS, **BEARER).status == 400
        assert server.get(ADDRESS, **BEARER, Host="app.example").status == 200


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "ein-geheimes-Wört-das-lang-ist", 7])
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(ValueError, match="metrics"):
        SocketIO(Flask(__name__), metrics=token)


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"pip install 'flask-duplex\[metrics\]'"):
        SocketIO(Flask(__name__), metrics="0123456789abcdef-token")
    SocketIO(Flask(__name__), metrics=True)


def test_the_token_is_not_shown() -> None:
    socketio = SocketIO(Flask(__name__), metrics="0123456789abcdef-token")
    assert "0123456789" not in repr(socketio._life.options)


def test_kinds_have_their_endings() -> None:
    """Prometheus takes a counter's name to end in _total, which is put there: not twice."""
    assert not [name for name in METRICS if name.endswith(("_total", "_count", "_sum", "_bucket"))]
    assert all(
        name.endswith("_seconds") for name, each in METRICS.items() if each.kind is Kind.HISTOGRAM
    )
