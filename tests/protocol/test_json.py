"""JSON as it travels: what may be emitted, and what is understood, compared with the standard library."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json as stdlib
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pytest
from flask.json.provider import DefaultJSONProvider
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from flask_socketio.protocol import json
from flask_socketio.protocol.errors import SocketProtocolError
from tests.protocol import reference
from tests.protocol.strategies import any_text, json_values, nested, scalars, values_with_binary

Default = Callable[[Any], Any] | None
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(Exception):
    pass


def refuse(_: str) -> Any:
    raise Refused


def finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise Refused
    return value


def in_64_bits(digits: str) -> int | float:
    value = int(digits) if len(digits) < 400 else math.inf
    return value if -(2**63) <= value < 2**64 else finite(digits)


def mend(value: Any) -> Any:
    """The same with U+FFFD for every half of a surrogate pair."""
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [mend(entry) for entry in value]
    if isinstance(value, dict):
        return {mend(key): mend(entry) for key, entry in value.items()}
    return value


def expected(text: str) -> Any:
    """What the standard library makes of it; raises Refused for what is no JSON."""
    if LONE_SURROGATE.search(text):  # in no UTF-8 text, so in no frame
        raise Refused
    try:
        value = stdlib.loads(text, parse_constant=refuse, parse_float=finite, parse_int=in_64_bits)
    except ValueError:
        raise Refused from None
    return mend(value)


def check(text: str) -> None:
    try:
        value = expected(text)
    except Refused:
        with pytest.raises(SocketProtocolError):
            json.loads(text)
    else:
        assert repr(json.loads(text)) == repr(value)


# Both ways


@given(json_values)
def test_round_trip(value: Any) -> None:
    encoded, attachments = json.dumps(value)
    assert not attachments
    assert repr(json.loads(encoded.decode())) == repr(value)
    assert repr(stdlib.loads(encoded)) == repr(value)


@given(values_with_binary)
def test_round_trip_with_attachments(value: Any) -> None:
    encoded, attachments = json.dumps(value)
    assert reference.lift_out(value)[1] == attachments
    assert repr(json.restore(json.loads(encoded.decode()), attachments)) == repr(value)


@given(
    nested(scalars | st.integers() | any_text | st.binary(max_size=4), max_leaves=8),
    st.sampled_from([2**64, -(2**200), "\ud800", {1: 2}, {None: 1}, {1.5: True}]),
)
def test_what_the_standard_library_takes_may_be_emitted(value: Any, odd: Any) -> None:
    """Attachments are counted once, although the value is encoded in a second way."""
    encoded, attachments = json.dumps([value, odd])
    lifted, expected_attachments = reference.lift_out([value, odd])
    assert attachments == expected_attachments
    assert stdlib.loads(encoded) == stdlib.loads(stdlib.dumps(lifted))
    encoded.decode()


@pytest.mark.parametrize("value", [object(), {1, 2}, [object()], {"a": print}, 1j, [{"a": ...}]])
def test_what_is_no_json_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        json.dumps(value)


def test_endless_values_are_type_errors() -> None:
    within_itself: list[Any] = []
    within_itself.append(within_itself)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (within_itself, deep, {1: within_itself}, [object(), 2**64]):
        with pytest.raises(TypeError):
            json.dumps(value)


def test_no_value_makes_invalid_json() -> None:
    """NaN and Infinity break every JavaScript client that receives them."""
    for value in (math.nan, math.inf, -math.inf, [math.nan], {"a": math.inf}):
        for company in (b"", 2**64, {1: 2}, "\ud800", math.nan):
            encoded, _ = json.dumps([value, company])
            stdlib.loads(encoded, parse_constant=refuse)


# The same text in every company


class Plain(enum.Enum):
    WORD = "word"
    NUMBER = 2
    PAIR = (1, "two")
    LARGE = 2**70
    BLOB = b"blob"
    NAN = math.nan


class Word(str, enum.Enum):  # noqa: UP042 - this is how many are written
    A = "a word"


class Number(enum.IntEnum):
    ONE = 1
    LARGE = 2**70


class Mode(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Int(int):
    """Shows itself as something else than it is."""

    def __repr__(self) -> str:
        return "no number"

    __str__ = __repr__


class Float(float):
    __repr__ = Int.__repr__


class Text(str):
    __slots__ = ()


class Object(dict[str, Any]):
    """Shows other entries than it stores."""

    def items(self) -> Any:
        return [(key, [entry]) for key, entry in super().items()]


class Array(list[Any]):
    pass


class Row(NamedTuple):
    x: Any
    y: Any = None


@dataclasses.dataclass
class Record:
    x: Any
    y: Any = None


odd_scalars = st.one_of(
    st.floats(),
    st.integers(),
    any_text,
    st.binary(max_size=4),
    st.sampled_from([*Plain, *Word, *Number, *Mode, Mode.READ | Mode.WRITE]),
    st.sampled_from(["a", "\ud800", ""]).map(Text),
    st.integers().map(Int),
    st.floats().map(Float),
    st.datetimes(),
    st.dates(),
    st.uuids(),
    st.decimals(),
)
not_json = st.one_of(st.times(), st.just({1, 2}), st.complex_numbers(), st.just(object()))
odd_keys = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    any_text,
    st.sampled_from([*Word, *Number]),
) | st.sampled_from([Text("key"), Int(7), Float(1.5)])
bad_keys = st.sampled_from([Plain.WORD, (1, 2), b"key", Decimal(1), UUID(int=7)])


def odd(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Whatever may stand in an emit, in whatever order."""

    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists = st.lists(inner, max_size=4)
        texts = st.dictionaries(st.text(max_size=4), inner, max_size=3)
        return st.one_of(
            lists,
            lists.map(tuple),
            lists.map(Array),
            st.builds(Row, inner, inner),
            st.builds(Record, inner, inner),
            st.dictionaries(keys, inner, max_size=3),
            texts.map(Object),
            texts.map(MultiDict),
        )

    return st.recursive(leaves, around, max_leaves=8)


DEFAULTS: list[Default] = [None, DefaultJSONProvider.default]
COMPANY: list[Any] = [
    b"x",
    2**64,
    {1: 2},
    {"\ud800": 1},
    "\ud800",
    math.nan,
    Plain.PAIR,
    Text("x"),
    Row(1),
    functools.reduce(lambda value, _: [value], range(300), 1),
]


def text_of(value: Any, default: Default) -> bytes | None:
    try:
        return json.dumps(value, default)[0]
    except TypeError:
        return None


@given(odd(odd_scalars | not_json, odd_keys | bad_keys), st.sampled_from(DEFAULTS))
@example([math.nan, {"a": -math.inf}], None)
@example(Plain.PAIR, None)
@example({"a": Mode.READ}, None)
@example(UUID(int=7), None)
@example({"a": [Number.LARGE, Plain.LARGE, Plain.BLOB]}, None)
@example(MultiDict([("a", 1), ("a", 2)]), None)
@example(Object(a=1), None)
@example(1e-7, None)
@example({"a": orjson.Fragment(b"[1]")}, None)
@example("é\u2028\x7f", None)
@example(Record(Record(math.nan)), DefaultJSONProvider.default)
def test_a_value_is_the_same_text_in_every_company(value: Any, default: Default) -> None:
    alone = text_of([value], default)
    for other in COMPANY:
        text = text_of([value, other], default)
        assert alone is text is None or (
            alone is not None and text is not None and text.startswith(alone[:-1] + b",")
        )


def as_the_standard_library(item: Any, default: Default) -> Any:
    """What `json.dumps` reads out of a value, and what it does not take that we do."""
    if isinstance(item, float) and not math.isfinite(item):
        return None
    if isinstance(item, enum.Enum) and not isinstance(item, str | int):
        return as_the_standard_library(item.value, default)
    if isinstance(item, UUID):
        return str(item)
    if isinstance(item, dict):
        return {key: as_the_standard_library(entry, default) for key, entry in item.items()}
    if isinstance(item, list | tuple):
        return [as_the_standard_library(entry, default) for entry in item]
    if item is None or isinstance(item, str | int | float):
        return item
    assert default is not None
    return as_the_standard_library(default(item), default)


@given(odd(odd_scalars.filter(lambda item: not has_blob(item)), odd_keys))
def test_a_value_is_what_the_standard_library_makes_of_it(value: Any) -> None:
    default = DefaultJSONProvider.default
    encoded, _ = json.dumps(value, default)
    expected = stdlib.dumps(as_the_standard_library(value, default))
    assert stdlib.loads(encoded) == stdlib.loads(expected)


def has_blob(item: Any) -> bool:
    return isinstance(item, bytes) or item is Plain.BLOB


class Color(enum.Enum):
    RED = "#f00"
    BLUE = "#00f"


def own_default(item: Any) -> Any:
    """An application's: names for its colours, nothing for other enums, UUIDs without hyphens."""
    if isinstance(item, Color):
        return item.name
    if isinstance(item, UUID):
        return item.hex
    return DefaultJSONProvider.default(item)


@pytest.mark.parametrize("company", COMPANY)
def test_who_asks_the_applications_default_first(company: Any) -> None:
    value = {"c": [Color.RED], "p": Plain.PAIR, "u": UUID(int=7), "w": Word.A, "d": Decimal("1.5")}
    encoded, _ = json.dumps_asking([value, math.inf, company], own_default)
    assert stdlib.loads(encoded)[:2] == [
        {"c": ["RED"], "p": [1, "two"], "u": UUID(int=7).hex, "w": "a word", "d": "1.5"},
        None,
    ]


def test_deeply_nested_values() -> None:
    """More levels than orjson takes, not more than the stack does."""
    for depth in (253, 254, 255, 400, 454, 700):
        value: Any = {"end": [b"blob"]}
        for level in range(depth):
            value = {"\ud800": value} if level == 300 else [value]
        encoded, attachments = json.dumps(value)
        assert attachments == [b"blob"]
        inner = stdlib.loads(encoded)
        for level in reversed(range(depth)):
            inner = inner["\ud800"] if level == 300 else inner[0]
        assert inner == {"end": [{"_placeholder": True, "num": 0}]}


# In


SURROGATES = [r"\ud83d", r"\uDE00", r"\udbff", r"\udfff", r"\ud800", r"\uD7FF", r"\ue000", "d800"]
ESCAPES = [r"\\", r"\"", r"\n", r"\/", r"\u0000", r"\u", *"\\uaé\U0001f600"]
escapes = st.lists(st.sampled_from(SURROGATES + ESCAPES), max_size=8).map("".join)


@given(escapes)
def test_escapes(text: str) -> None:
    check(f'"{text}"')
    check(f'[{{"{text}":1}},"{text}"]')


CHARACTERS = "[]{},:\"'01-+.eE/ \t\n\x00\x0b\xa0\ufeff１\ud800"
WORDS = ['"a"', "null", "true", "false", "NaN", "-Infinity", "00", "1e400", "9" * 25, "9" * 400]
tokens = st.lists(st.sampled_from([*CHARACTERS, *WORDS]), max_size=10).map("".join)


@given(tokens | any_text)
def test_any_text(text: str) -> None:
    check(text)


@given(json_values, tokens, st.data())
def test_damaged_json(value: Any, junk: str, data: st.DataObject) -> None:
    text = stdlib.dumps(value, ensure_ascii=data.draw(st.booleans()))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 2)))
    check(text[:start] + junk + text[end:])


@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z"))
def test_numbers(text: str) -> None:
    check(text)


@pytest.mark.parametrize("digits", [19, 20, 309, 310, 4300, 4301, 100_000])
def test_long_integers(digits: int) -> None:
    check("9" * digits)
    check("-" + "9" * digits)


@given(json_values, st.integers(0, 5))
def test_attachment_that_nothing_refers_to(value: Any, count: int) -> None:
    if count:
        with pytest.raises(SocketProtocolError):
            json.restore(value, [b""] * count)
    else:
        before = repr(value)
        assert repr(json.restore(value, [])) == before


MADE_UP = {"_placeholder": True, "num": 99}


@pytest.mark.parametrize("odd", [None, {1: 2}, 2**64], ids=str)
@pytest.mark.parametrize("encode", [json.dumps, lambda value: json.dumps_asking(value, str)])
def test_what_looks_like_an_attachment_is_none(encode: Any, odd: Any) -> None:
    """Beside one it would be taken for one, and end the connection of every JavaScript client that receives it."""
    text, attachments = encode([MADE_UP, odd])
    assert json.loads(text.decode())[0] == MADE_UP
    assert not attachments
    with pytest.raises(TypeError, match="_placeholder"):
        encode([b"1", [{"a": MADE_UP}], odd])


@pytest.mark.parametrize(
    "value",
    [
        {"_placeholder": False},
        {"_placeholder": 1},
        {"_placeholder": "true"},
        {'x"_placeholder': True},
        {"x": '{"_placeholder":true', ',"_placeholder': "true"},
        '{"_placeholder":true}',
        '\\{"_placeholder":true}\\',
    ],
)
def test_what_does_not_look_like_one_may_be_beside_it(value: Any) -> None:
    text, attachments = json.dumps([value, b"1"])
    assert json.restore(json.loads(text.decode()), attachments) == [value, b"1"]
