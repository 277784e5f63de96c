"""Arguments that have lost their meaning say so, and say what to delete."""

import logging
import warnings

import pytest
from flask import Flask

from flask_socketio import SocketIO


@pytest.mark.parametrize("name", ["async_mode", "monitor_clients"])
def test_an_option_without_meaning_says_what_to_delete(name: str) -> None:
    with pytest.warns(UserWarning, match=rf"{name}= can be deleted: ") as caught:
        SocketIO(Flask("app"), **{name: "eventlet"})
    assert [warning.filename for warning in caught] == [__file__]


def test_an_unknown_option_is_named() -> None:
    with pytest.warns(UserWarning, match="no option 'ping_intervall'") as caught:
        SocketIO(Flask("app"), ping_intervall=3)
    assert [warning.filename for warning in caught] == [__file__]


def test_what_has_a_meaning_or_is_off_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SocketIO(Flask("app"), async_mode=None, logger=False, engineio_logger=False, cookie=None)


def test_a_logger_of_the_applications_is_used() -> None:
    ours = logging.getLogger("flask_socketio.server")
    handlers, level = ours.handlers[:], ours.level
    try:
        given = logging.Logger("given", logging.DEBUG)
        given.addHandler(logging.NullHandler())
        SocketIO(Flask("app"), logger=given)
        assert ours.handlers == given.handlers
        assert ours.level == logging.DEBUG
    finally:
        ours.handlers[:] = handlers
        ours.setLevel(level)
