"""Whatever a client sends is taken or refused, and nothing else comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_socketio.handling.models import MANY, UnfitError, converter

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["text", "number", "inner", "kind"]) | st.text(max_size=3), inner, max_size=4
    ),
    max_leaves=20,
)  # fmt: skip


class Kind(Enum):
    A = "a"
    B = "b"


class Keys(TypedDict):
    text: str
    number: int | None


@dataclass
class Model:
    text: str
    number: Annotated[int, msgspec.Meta(ge=0)] = 0
    inner: list[Model] = field(default_factory=list)
    kind: Kind | None = None
    when: datetime | None = None
    data: bytes = b""


class One(msgspec.Struct, tag_field="kind"):
    text: str


class Two(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True):
    inner: dict[str, Keys]


class Person(pydantic.BaseModel, extra="forbid"):
    text: str
    number: float = pydantic.Field(0, ge=0)
    inner: list[Person | Model] = []
    kind: Literal["a", "b"] | UUID | bytes | None = None


@pytest.mark.parametrize("hint", [Model, list[Keys], One | Two, Person, tuple[Model, Person]])
@given(value=JSON)
@settings(max_examples=150, deadline=None)
def test_any_payload(hint: Any, value: Any) -> None:
    convert = converter(hint)
    try:
        convert(value)
    except UnfitError as unfit:
        assert 1 <= len(unfit.problems) <= MANY
        assert all(len(path) <= 200 and 0 < len(text) <= 200 for path, text in unfit.problems)
        assert len(unfit.shown) <= 200
