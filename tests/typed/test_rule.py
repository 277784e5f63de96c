"""Whose payloads are checked, and whose are not: applications that were written without types run as before."""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypedDict, TypeVar

import msgspec
import pydantic
import pytest
from flask import Flask

from flask_socketio import Namespace, SocketIO
from flask_socketio.errors import PayloadError

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForTypeCheckers

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Model:
    number: int


class Named(TypedDict):
    number: int


Model_ = pydantic.create_model("Model_", number=(int, ...))
GOOD, BAD = {"number": 1}, {"number": "one"}


def answer(function: Callable[..., Any], *sent: Any, **options: Any) -> Any:
    """What a client gets for an event."""
    app = Flask(__name__)
    socketio = SocketIO(app, **options)
    socketio.on_event("it", function)
    return socketio.test_client(app).emit("it", *sent, callback=True)


def is_refused(found: Any) -> bool:
    return isinstance(found, dict) and found.get("error") == "invalid payload"


def plain(value: Any) -> Any:
    """What a handler got, as JSON."""
    return [type(value).__name__, str(value)]


def text(value: str) -> Any:
    return plain(value)


def mapping(value: dict[str, int]) -> Any:
    return plain(value)


def literal(value: Literal["a", "b"] | None) -> Any:
    return plain(value)


def described(value: Annotated[int, "how many there are"]) -> Any:
    return plain(value)


def nothing_at_run_time(value: OnlyForTypeCheckers) -> Any:
    return plain(value)


def nowhere(value: NotDefinedAnywhere) -> Any:  # type: ignore[name-defined]  # noqa: F821
    return plain(value)


@pytest.mark.parametrize(
    "function", [text, mapping, literal, described, nothing_at_run_time, nowhere]
)
def test_plain_annotations_refuse_nothing(function: Callable[..., Any]) -> None:
    assert answer(function, {"n": b"1"}) == ["dict", "{'n': b'1'}"]


def in_list(value: list[Model]) -> Any:
    return value[0].number


def optional(value: Optional[Model] = None) -> Any:  # noqa: UP045
    return value and value.number


def by_default(value: Model = None) -> Any:  # type: ignore[assignment]
    return value and value.number


def bounded(value: Annotated[int, msgspec.Meta(le=5)]) -> Any:
    return value


def bounded_by_pydantic(value: Annotated[int, pydantic.Field(le=5)]) -> Any:
    return value


def named(value: Named) -> Any:
    return value["number"]


def keys(value: Named) -> Any:
    return sorted(value)


def of_pydantic(value: dict[str, list[Model_]]) -> Any:  # type: ignore[valid-type]
    return value["all"][0].number


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        (in_list, [GOOD], [GOOD, BAD]),
        (optional, GOOD, BAD),
        (by_default, GOOD, BAD),
        (bounded, 1, 6),
        (bounded_by_pydantic, 1, 6),
        (of_pydantic, {"all": [GOOD]}, {"all": [BAD]}),
    ],
)
def test_models_and_what_has_some(function: Callable[..., Any], good: Any, bad: Any) -> None:
    assert answer(function, good) == 1
    assert is_refused(answer(function, bad))


def test_a_typed_dict_is_the_dict_that_was_sent_unless_it_is_asked_for() -> None:
    """Applications that were written for Flask-SocketIO have them, and look for keys that are not in them."""
    more = {**GOOD, "room": "tea"}
    assert answer(keys, more) == ["number", "room"]
    assert answer(keys, {}) == []
    assert answer(named, GOOD, typed_events=True) == 1
    assert answer(keys, more, typed_events=True) == ["number"]
    assert is_refused(answer(named, BAD, typed_events=True))


@pytest.mark.parametrize("function", [optional, by_default])
def test_an_argument_may_be_left_out(function: Callable[..., Any]) -> None:
    assert answer(function) in ([], None)


def wraps_all(function: F) -> F:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner  # type: ignore[return-value]


def converts(function: Any) -> Any:
    """As people write it, who have no conversion."""

    @functools.wraps(function)
    def inner(value: Any) -> Any:
        return function(Model(**value))

    return inner


def take(value: Model) -> Any:
    return value.number


def test_decorators_that_pass_everything_on() -> None:
    function = wraps_all(wraps_all(take))
    assert answer(function, GOOD) == 1
    assert is_refused(answer(function, BAD))


def test_decorators_with_arguments_of_their_own_get_what_was_sent() -> None:
    assert answer(converts(take), GOOD) == 1
    assert answer(converts(take), BAD) == "one"


def adds_the_user(function: Any) -> Any:
    """As people write it, who want the user in each of their handlers."""

    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(Model(7), *args, **kwargs)

    return inner


def names_the_user(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, user=Model(7), **kwargs)

    return inner


def with_user(user: Model, value: Any) -> Any:
    return [user.number, value]


def with_user_last(value: Any, user: Model) -> Any:
    return [user.number, value]


@pytest.mark.parametrize(
    "function", [adds_the_user(with_user), names_the_user(with_user_last)], ids=["first", "by name"]
)
def test_decorators_that_add_arguments(function: Callable[..., Any]) -> None:
    assert answer(function, GOOD) == [7, GOOD]
    assert is_refused(answer(function, GOOD, typed_events=True))


def test_a_decorated_handler_that_is_sent_too_little_does_not_run() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    ran: list[Any] = []

    @wraps_all
    def both(one: Model, other: Model) -> None:
        ran.append((one, other))

    socketio.on_event("it", both)
    client = socketio.test_client(app)
    for sent in ((GOOD,), (GOOD, GOOD, GOOD)):
        with pytest.raises(TypeError):
            client.emit("it", *sent, callback=True)
    assert ran == []


class Called:
    def __call__(self, value: Model) -> Any:
        return value.number

    @wraps_all
    def method(self, value: Model) -> Any:
        return value.number


@pytest.mark.parametrize(
    "function", [Called(), Called().method, functools.partial(take)], ids=["object", "method", "partial"]
)  # fmt: skip
def test_other_things_that_are_called(function: Callable[..., Any]) -> None:
    assert answer(function, GOOD) == 1
    assert is_refused(answer(function, BAD))


def test_what_cannot_be_resolved_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    def mixed(value: OnlyForTypeCheckers, model: Model) -> Any:
        return [plain(value), model.number]

    caplog.set_level(logging.DEBUG, "flask_socketio.server")
    assert answer(mixed, 5, GOOD) == [["int", "5"], 1]
    assert is_refused(answer(mixed, 5, BAD))
    assert "annotated with OnlyForTypeCheckers, which is nothing at run time" in caplog.text


def test_the_option_that_takes_it_away() -> None:
    assert answer(text, 5, typed_events=False) == ["int", "5"]

    def annotated(value: Model) -> Any:
        return plain(value)

    assert answer(annotated, GOOD, typed_events=False) == ["dict", "{'number': 1}"]


@pytest.mark.parametrize(("option", "refused"), [(None, True), (False, False)])
def test_options_may_come_after_the_handlers(option: bool | None, refused: bool) -> None:
    socketio = SocketIO()

    class Board(Namespace):
        def on_it(self, value: Model) -> Any:
            return "called"

    @socketio.on("it")
    def it(value: Model) -> Any:
        return "called"

    socketio.on_namespace(Board("/board"))
    app = Flask(__name__)
    socketio.init_app(app, typed_events=option)
    for namespace in ("/", "/board"):
        client = socketio.test_client(app, namespace)
        found = client.emit("it", BAD, namespace=namespace, callback=True)
        assert is_refused(found) == refused, found


def test_properties_of_a_class_are_left_alone() -> None:
    """One may need a request."""

    class Board(Namespace):
        @property
        def on_it(self) -> Any:
            from flask_socketio import request

            return lambda value: [request.sid is not None, value]

    app = Flask(__name__)
    socketio = SocketIO(app)
    socketio.on_namespace(Board("/"))
    assert socketio.test_client(app).emit("it", 5, callback=True) == [True, 5]


def test_without_an_ack_a_test_is_told() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    socketio.on_event("it", take)
    client = socketio.test_client(app)
    with pytest.raises(
        PayloadError, match="argument 'value', field 'number': Expected `int`"
    ) as got:
        client.emit("it", BAD)
    assert got.value.event == "it"
    assert [(item.argument, item.field) for item in got.value.fields] == [("value", "number")]


def test_a_type_that_no_client_can_send(caplog: pytest.LogCaptureFixture) -> None:
    def odd(model: Model, value: Flask) -> Any:
        return "called"

    assert answer(odd, BAD, 1) == "called"
    assert (
        "is not checked: nothing that a client can send is a <class 'flask.app.Flask'>"
        in caplog.text
    )
    with pytest.raises(TypeError, match=r"odd .*test_rule\.py.* nothing that a client can send"):
        answer(odd, BAD, 1, typed_events=True)


@dataclass
class Broken:
    field: NoSuchType  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes it from Python 3.12 on")
def test_what_pydantic_does_not_know(caplog: pytest.LogCaptureFixture) -> None:
    def take(named: dict[str, Named | Model_]) -> str:
        return "called"

    assert answer(take, 5) == "called"
    assert "Please use `typing_extensions.TypedDict`" in caplog.text


def test_a_field_whose_type_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    def take(broken: Broken) -> str:
        return "called"

    assert answer(take, 5) == "called"
    assert "is not checked: name 'NoSuchType' is not defined" in caplog.text


@dataclass
class Nested:
    inner: list[Nested]


class NestedToo(pydantic.BaseModel):
    inner: list[NestedToo]


@pytest.mark.parametrize("model", [Nested, NestedToo])
def test_what_is_nested_deeply_is_refused(model: Any) -> None:
    def take(value: Any) -> str:
        return "taken"

    take.__annotations__["value"] = model
    sent: dict[str, Any] = {"inner": []}
    for _ in range(450):
        sent = {"inner": [sent]}
    found = answer(take, sent)
    assert found == "taken" or is_refused(found)
    assert answer(take, {"inner": 5})["fields"][0]["field"] == "inner"


def test_pydantic_does_not_tell_of_everything() -> None:
    def take(value: list[Model_]) -> str:
        return "taken"

    (field,) = answer(take, [{}] * 5000)["fields"]
    assert field == {"argument": "value", "field": "", "problem": "5000 things do not fit"}


WITHOUT = """
import sys
sys.modules["msgspec"] = None
from dataclasses import dataclass
from flask import Flask
from flask_socketio import SocketIO

@dataclass
class Model:
    number: int

app = Flask("without")
socketio = SocketIO(app, typed_events={option})

@socketio.on("it")
def it(value: Model):
    return type(value).__name__

print(socketio.test_client(app).emit("it", {{"number": 1}}, callback=True))
"""


@pytest.mark.parametrize(
    ("option", "printed", "said"),
    [
        ("None", "dict\n", "is not checked: msgspec is not installed: pip install 'flask-duplex[typed]'"),
        ("False", "dict\n", ""),
        ("True", "", "ImportError: it (app.py:15): msgspec is not installed: pip install 'flask-duplex[typed]'"),
    ],
)  # fmt: skip
def test_without_the_library(option: str, printed: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(WITHOUT.format(option=option))
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.stdout == printed, ended.stderr
    assert said in ended.stderr.replace(str(tmp_path) + "/", "")
    assert bool(ended.stderr) == bool(said)
