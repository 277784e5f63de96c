"""Templates that are not there: a line says so, in place of a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.raw import WAIT

from .conftest import Serve

APP = """
from flask import render_template
app.debug = {}
socketio = SocketIO(app)

@app.get("/")
def index():
    return render_template("index.html")

@app.get("/outer")
def outer():
    return render_template("outer.html")

@app.get("/fails")
def fails():
    raise RuntimeError("of its own")
"""


@pytest.fixture(params=[False, True], ids=["", "debug"])
def app(request: pytest.FixtureRequest) -> str:
    """The same without and with the debugger, which shows the traceback in the page."""
    return APP.format(request.param)


def test_a_folder(serve: Serve, tmp_path: Path, app: str) -> None:
    with serve(app) as server:
        assert server.get("/").status == 500
        log = server.log
    said = (
        f"There is no template folder '{tmp_path}/templates': make it and put the templates there"
    )
    assert f"{said}, or name another one, Flask(__name__, template_folder=...)." in log
    assert "Its template 'index.html' was asked for (GET '/')." in log
    assert "Traceback" not in log
    assert "Exception on" not in log


def test_a_template(serve: Serve, tmp_path: Path, app: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/indx.html").touch()
    with serve(app) as server:
        assert server.get("/").status == 500
        log = server.log
    said = f"there is no template 'index.html' in '{tmp_path}/templates', did you mean 'indx.html'? (GET '/')"
    assert said in log
    assert "Traceback" not in log


def test_other_tracebacks_are_whole(serve: Serve, tmp_path: Path, app: str) -> None:
    """Of a template that another one includes, the traceback says in which."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/outer.html").write_text("{% include 'inner.html' %}")
    with serve(app) as server:
        server.allow_traceback("TemplateNotFound: inner.html")
        server.allow_traceback("RuntimeError: of its own")
        assert [server.get(path).status for path in ("/", "/outer", "/fails")] == [500] * 3
        for error in ("TemplateNotFound: inner.html", "RuntimeError: of its own"):
            # Werkzeug's debugger logs what it has sent the page of.
            server.wait_for_log(re.compile(rf"^\S*{error}$", re.MULTILINE), WAIT)
        tracebacks = server.log.count("Traceback (most recent call last)")
        assert tracebacks == 2
        assert "{% include 'inner.html' %}" in server.log
        assert 'raise RuntimeError("of its own")' in server.log


def test_a_loader_that_does_not_tell_which_there_are(
    serve: Serve, tmp_path: Path, app: str
) -> None:
    (tmp_path / "templates").mkdir()
    loader = "from jinja2 import FunctionLoader\napp.jinja_env.loader = FunctionLoader(lambda name: None)\n"
    with serve(app + loader) as server:
        assert server.get("/").status == 500
        log = server.log
    assert f"there is no template 'index.html' in '{tmp_path}/templates' (GET '/')" in log
    assert "Traceback" not in log
