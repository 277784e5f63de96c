"""JSON as it travels: what may be emitted, and what is understood, compared with the standard library."""

from __future__ import annotations

import json as stdlib
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.protocol import json
from flask_socketio.protocol.errors import SocketProtocolError
from tests.protocol import reference
from tests.protocol.strategies import any_text, json_values, nested, scalars, values_with_binary

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
    for value in (within_itself, deep, {1: within_itself}, [math.nan, 2**64]):
        with pytest.raises(TypeError):
            json.dumps(value)


def test_no_value_makes_invalid_json() -> None:
    """NaN and Infinity break every JavaScript client that receives them."""
    for value in (math.nan, math.inf, -math.inf, [math.nan], {"a": math.inf}):
        encoded, _ = json.dumps(value)
        stdlib.loads(encoded, parse_constant=refuse)


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
