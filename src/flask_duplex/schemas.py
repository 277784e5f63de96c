"""JSON Schema of annotations: of what clients send, and of what they are sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

from flask_socketio.handling.hints import EMPTY
from flask_socketio.handling.models import converter, is_pydantics

Schema = dict[str, Any]
Way = Literal["in", "out"]

_TEMPLATE = "#/components/schemas/"


class Schemas:
    """Of all annotations of an application at once, so that two types of one name can be told apart.

    `components` are the models, by name; `of` refers to them. Raises ImportError where a library is missing, and
    ValueError for two types of one name that nothing tells apart.
    """

    def __init__(self, hints: Iterable[tuple[Any, Way]]) -> None:
        self.components: dict[str, Schema] = {}
        self._found: dict[tuple[str, Way], Schema] = {}
        known = {_key(hint, way): hint for hint, way in hints if _is_known(hint)}
        pydantics = {key: hint for key, hint in known.items() if is_pydantics(hint)}
        others = {key: hint for key, hint in known.items() if key not in pydantics}
        if others:
            self._by_msgspec(others)
        if pydantics:
            self._by_pydantic(pydantics)

    def of(self, hint: Any, way: Way) -> Schema:
        """`{}`, for anything, where nothing is known of it."""
        return self._found.get(_key(hint, way), {})

    def _by_msgspec(self, hints: dict[tuple[str, Way], Any]) -> None:
        import msgspec

        schemas, components = msgspec.json.schema_components(
            hints.values(), ref_template=_TEMPLATE + "{name}"
        )
        self._add(dict(zip(hints, schemas, strict=True)), components)

    def _by_pydantic(self, hints: dict[tuple[str, Way], Any]) -> None:
        import pydantic

        adapters: list[Any] = [
            (key, "validation" if key[1] == "in" else "serialization", pydantic.TypeAdapter(hint))
            for key, hint in hints.items()
        ]
        found, components = pydantic.TypeAdapter.json_schemas(
            adapters, ref_template=_TEMPLATE + "{model}"
        )
        schemas = {cast("tuple[str, Way]", key): schema for (key, _), schema in found.items()}
        self._add(schemas, components.get("$defs", {}))

    def _add(self, schemas: dict[tuple[str, Way], Schema], components: dict[str, Schema]) -> None:
        for name, component in components.items():
            plain = changed(component, _as_sent)
            if self.components.setdefault(name, plain) != plain:
                raise ValueError(f"two types have the name {name}: give one of them another")
        self._found |= {key: changed(schema, _as_sent) for key, schema in schemas.items()}


def reference(schema: Schema) -> str | None:
    """The name of the component that a schema is."""
    found = schema.get("$ref")
    return None if found is None else found.removeprefix(_TEMPLATE)


def identifier(text: str, *, capital: bool = False) -> str:
    """A name for programs, of any text: `list-rooms` is `listRooms`."""
    first, *rest = [part for part in re.split(r"\W+", text) if part] or ["root"]
    name = first + "".join(part[:1].upper() + part[1:] for part in rest)
    if capital:
        name = name[:1].upper() + name[1:]
    return f"_{name}" if name[0].isdigit() else name


def changed(value: Any, change: Callable[[Schema], Schema]) -> Any:
    """A copy of a schema, each of those within it changed."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return change({key: changed(item, change) for key, item in items})
    if isinstance(value, list | tuple):
        return [changed(item, change) for item in cast("list[Any]", value)]
    return value


def _as_sent(schema: Schema) -> Schema:
    """Binary is an attachment, not text; and the field that tells a union's types apart is in them."""
    if schema.pop("contentEncoding", None) == "base64":
        schema["format"] = "binary"
    if isinstance(schema.get("discriminator"), dict):
        del schema["discriminator"]
    return schema


def _is_known(hint: Any) -> bool:
    """Whether there is a schema; of a type that no library knows there is none. Raises ImportError."""
    if hint is EMPTY:
        return False
    try:
        converter(hint)
    except TypeError:
        return False
    return True


def _key(hint: Any, way: Way) -> tuple[str, Way]:
    return f"{hint!r} {id(hint) if isinstance(hint, type) else ''}", way
