"""These tests run on this package and, by `make compat`, on Flask-SocketIO itself."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_socketio import SocketIO

ORIGINAL = "Flask-SocketIO" in packages_distributions().get("flask_socketio", [])

MIGRATING = (Path(__file__).parents[2] / "docs/migrating.md").read_text().replace("`", "")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "ours(what): differs on purpose; how the line of docs/migrating.md that says so begins",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("ours")
    if marker is None:
        return
    assert f"\n| {marker.args[0]} |" in MIGRATING, f"not in docs/migrating.md: {marker.args[0]}"
    if ORIGINAL:
        pytest.skip(f"differs on purpose: {marker.args[0]}")


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "secret!"
    return app


@pytest.fixture
def socketio(app: Flask) -> SocketIO:
    return SocketIO(app)


def names(received: list[dict[str, Any]]) -> list[str]:
    return [event["name"] for event in received]
