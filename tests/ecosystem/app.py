"""An application with the extensions that people combine; what it is made of is in the environment."""

import os
from typing import Any

from cachelib import FileSystemCache
from flask import Flask, Response, g, jsonify, request, session, url_for
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_socketio import SocketIO

TRUST = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_prefix": 1}


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Note(db.Model):  # type: ignore[name-defined,misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


app = Flask(__name__)
app.config.update(
    SECRET_KEY="secret!",
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.environ['FOLDER']}/notes.db",
    SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 2, "max_overflow": 0, "pool_timeout": 2},
)
if "APPLICATION_ROOT" in os.environ:
    app.config["APPLICATION_ROOT"] = os.environ["APPLICATION_ROOT"]
db.init_app(app)
if os.environ.get("SESSION") == "server":
    cache = FileSystemCache(os.environ["FOLDER"] + "/sessions")
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    Session(app)
if os.environ.get("PROXY") == "before":
    app.wsgi_app = ProxyFix(app.wsgi_app, **TRUST)  # type: ignore[method-assign]
socketio = SocketIO(app, manage_session=os.environ.get("MANAGE") != "no", cors_allowed_origins="*")
if os.environ.get("PROXY") == "after":
    app.wsgi_app = ProxyFix(app.wsgi_app, **TRUST)  # type: ignore[method-assign]

torn_down: list[str] = []


@app.teardown_request
def teardown_request(error: BaseException | None) -> None:
    torn_down.append(f"request {getattr(g, 'event', None)} {type(error).__name__}")


@app.teardown_appcontext
def teardown_appcontext(error: BaseException | None) -> None:
    if hasattr(g, "event"):
        torn_down.append(f"app {g.event} {type(error).__name__}")


# -- sessions


@app.get("/set/<value>")
def set_value(value: str) -> Response:
    session["value"] = value
    return jsonify(value)


@app.get("/value")
def get_value() -> Response:
    return jsonify(session.get("value"))


@socketio.on("value")
def value_event(*new: str) -> Any:
    before = session.get("value")
    if new:
        session["value"] = new[0]
    return before


# -- the database


@socketio.on("add")
def add(text: str, fails: bool = False) -> int:
    g.event = "add"
    db.session.add(Note(text=text))
    db.session.flush()
    if fails:
        raise LookupError("an error on purpose")
    db.session.commit()
    return len(db.session.scalars(db.select(Note)).all())


@socketio.on("add async")
async def add_async(text: str, fails: bool = False) -> int:
    return add(text, fails)


@socketio.on("pool")
def pool() -> list[int]:
    return [db.engine.pool.checkedout(), len(db.session.registry.registry)]  # type: ignore[attr-defined]


@socketio.on("fresh")
def fresh() -> list[Any]:
    before = g.get("seen")
    g.seen = True
    seen, torn_down[:] = torn_down[:], []
    return [before, seen]


# -- addresses


@socketio.on("request")
def describe() -> dict[str, Any]:
    return {
        "remote_addr": request.remote_addr,
        "scheme": request.scheme,
        "url_root": request.url_root,
        "url_for": url_for("get_value"),
        "external": url_for("get_value", _external=True),
        "path": request.path,
        "root": request.script_root,
    }


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
    socketio.run(app, port=int(os.environ["PORT"]))
