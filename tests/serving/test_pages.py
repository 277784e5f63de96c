"""Flask's pages beside Socket.IO: requests in, answers out, as a WSGI application expects it."""

import hashlib
import http.client
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("pages_app.py")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        server.allow_traceback("an error of the")
        yield server


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(*server.address, timeout=WAIT)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object = None,
    **headers: str,
) -> tuple[http.client.HTTPResponse, bytes]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)  # pyright: ignore[reportArgumentType]
    response = connection.getresponse()
    return response, response.read()


def test_repeated_headers_are_kept(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "GET", "/")
    assert (response.status, body) == (200, b"index")
    assert response.headers.get_all("set-cookie") == ["one=1; Path=/", "two=2; Path=/"]


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    for _ in range(5):
        assert ask(connection, "GET", "/")[1] == b"index"
        assert (
            ask(connection, "POST", "/digest", b"x")[1].decode() == hashlib.sha256(b"x").hexdigest()
        )


def test_the_environ_is_wsgis(connection: http.client.HTTPConnection) -> None:
    response, body = ask(
        connection, "GET", "/environ?a=%20b", X_One="1", X_Two="2", Content_Type="text/x"
    )
    environ = json.loads(body)
    assert response.headers["content-type"] == "application/json"
    assert environ["REQUEST_METHOD"] == "GET"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/environ")
    assert environ["QUERY_STRING"] == "a=%20b"
    assert (environ["HTTP_X_ONE"], environ["HTTP_X_TWO"]) == ("1", "2")
    assert environ["CONTENT_TYPE"] == "text/x"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.multithread"] == "True" and environ["wsgi.multiprocess"] == "False"


def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_hyphen(
    connection: http.client.HTTPConnection,
) -> None:
    connection.putrequest("GET", "/environ")
    connection.putheader("X_Forwarded_For", "10.0.0.1")
    connection.endheaders()
    assert "HTTP_X_FORWARDED_FOR" not in json.loads(connection.getresponse().read())


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_arrives_whole(
    connection: http.client.HTTPConnection, size: int, chunked: bool
) -> None:
    data = os.urandom(size)
    body = (data[start : start + 10_000] for start in range(0, size, 10_000)) if chunked else data
    assert ask(connection, "POST", "/digest", body)[1].decode() == hashlib.sha256(data).hexdigest()


def test_a_body_can_be_read_by_lines(connection: http.client.HTTPConnection) -> None:
    body = b"a line\n" * 100_000
    assert ask(connection, "POST", "/digest?lines=1", body)[1] == b"100000"


def test_a_body_that_the_view_does_not_read_is_no_obstacle(
    connection: http.client.HTTPConnection,
) -> None:
    assert ask(connection, "POST", "/ignore", b"x" * 40_000)[1] == b"not read"
    assert ask(connection, "GET", "/")[1] == b"index"


def test_a_form_with_a_file(connection: http.client.HTTPConnection) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nmine\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
        + b"x" * 200_000
        + b"\r\n--b--\r\n"
    )
    reply = ask(connection, "POST", "/form", body, Content_Type="multipart/form-data; boundary=b")
    assert reply[1] == b"mine f.bin 200000"


def test_a_large_answer_to_a_slow_reader(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/large")
    response = connection.getresponse()
    for number in range(400):
        assert response.read(65536) == bytes([number % 251]) * 65536
        if number % 100 == 0:
            time.sleep(0.1)
    assert response.read() == b""


def test_a_stream_ends_when_its_client_has_gone(server: ServerProcess) -> None:
    connection = http.client.HTTPConnection(*server.address, timeout=WAIT)
    connection.request("GET", "/endless")
    assert connection.getresponse().readline() == b"0\n"
    assert server.get_json("/ended") == []
    connection.close()
    deadline = time.monotonic() + WAIT
    while server.get_json("/ended") != ["endless"]:
        assert time.monotonic() < deadline, "the generator has not been closed"
        time.sleep(0.02)


def test_a_view_that_fails_is_a_500(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "GET", "/error")
    assert response.status == 500
    assert b"Internal Server Error" in body


def test_a_stream_that_fails_is_cut(connection: http.client.HTTPConnection) -> None:
    """So that the client can tell it from one that ended."""
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "GET", "/error-in-stream")


def test_head_and_no_content(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "HEAD", "/")
    assert (response.status, response.headers["content-length"], body) == (200, "5", b"")
    assert ask(connection, "GET", "/empty")[0].status == 204
    assert ask(connection, "GET", "/")[1] == b"index"
