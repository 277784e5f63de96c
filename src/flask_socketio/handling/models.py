"""Which annotations are checked, and the library that does it.

msgspec does for dataclasses, TypedDicts and its own Structs, pydantic for its models and for whatever has one in it.
What is plain Python (`dict`, `str`) is checked beside a model alone: annotations of applications that were written
when nobody looked at them refuse nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from functools import partial
from reprlib import Repr
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints, is_typeddict

from ..protocol.json import BINARY_TYPES

#: Of what does not fit, so much is told.
MANY, _LENGTH = 20, 200
#: pydantic tells all or nothing, and what it tells of a wrong number takes a hundred times as much memory.
_ALL = 1000
_DEEP = "", "Nested too deeply"
_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60
_MISSING_LIBRARY = "msgspec is not installed: pip install 'flask-duplex[typed]'"

_MISSING = re.compile("missing required field `(.+)`")

Convert = Callable[[Any], Any]


class UnfitError(Exception):
    """A value that does not fit. `problems` are a path within it, and what is wrong there."""

    def __init__(self, value: Any, problems: list[tuple[str, str]]) -> None:
        super().__init__(problems)
        self.problems = problems
        #: the value, cut and escaped
        self.shown = shown(value)


def is_checked(hint: Any, *, typed_dicts: bool) -> bool:
    """Whether there is a model in an annotation, or what one of the libraries says of a value (`msgspec.Meta`).

    A TypedDict is a dict, as it was sent, to an application that nobody has told of `typed_events=True`.
    """
    return any(
        _is_model(part, typed_dicts=typed_dicts) or _is_metadata(part) for part in _parts(hint)
    )


def converter(hint: Any) -> Convert:
    """What makes a client's value one of the annotation's type, or raises UnfitError.

    Raises ImportError where the library is missing, and TypeError for what it does not know.
    """
    try:
        return _by_pydantic(hint) if is_pydantics(hint) else _by_msgspec(hint)
    except (ImportError, TypeError):
        raise
    except (
        Exception
    ) as error:  # pydantic has many kinds; a name may be missing; it may be code of anybody's
        raise TypeError(str(error)) from error


def is_pydantics(hint: Any) -> bool:
    """Whether pydantic is needed."""
    return any(
        hasattr(part, "__pydantic_validator__")
        or _module_of(part) in ("pydantic", "annotated_types")
        for part in _parts(hint, deep=True)
    )


def _by_msgspec(hint: Any) -> Convert:
    try:
        import msgspec
    except ImportError:
        raise ImportError(_MISSING_LIBRARY, name="msgspec") from None
    if isinstance(msgspec.inspect.type_info(hint), msgspec.inspect.CustomType):
        raise TypeError(f"nothing that a client can send is a {hint!r}")

    def convert(value: Any) -> Any:
        try:
            return msgspec.convert(value, hint, builtin_types=BINARY_TYPES)
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at `$")
            missing = _MISSING.search(problem)
            path = path.rstrip("`") + (f".{missing[1]}" if missing else "")
            raise UnfitError(value, [_problem(path, problem)]) from None
        except RecursionError:
            raise UnfitError(value, [_DEEP]) from None

    return convert


def _by_pydantic(hint: Any) -> Convert:
    import pydantic

    adapter = pydantic.TypeAdapter[Any](hint)

    def convert(value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except RecursionError:
            raise UnfitError(value, [_DEEP]) from None
        except pydantic.ValidationError as error:
            if (count := error.error_count()) > _ALL:
                raise UnfitError(value, [("", f"{count} things do not fit")]) from None
            found = error.errors(include_url=False, include_context=False, include_input=False)
        raise UnfitError(
            value,
            [
                _problem("".join(map(_step, item["loc"][:MANY])), item["msg"])
                for item in found[:MANY]
            ],
        )

    return convert


def _problem(path: str, text: str) -> tuple[str, str]:
    return path.removeprefix(".")[:_LENGTH], text[:_LENGTH]


def _step(key: int | str) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}"


def plainer(hint: Any) -> Convert:
    """What makes a value of the annotation's type what JSON and packets can have. Raises what `converter` raises."""
    if is_pydantics(hint):
        import pydantic

        return partial(pydantic.TypeAdapter[Any](Any).dump_python, mode="json", by_alias=True)
    converter(hint)  # is it there, and does it know the type?
    import msgspec

    return partial(msgspec.to_builtins, builtin_types=BINARY_TYPES)


def shown(value: Any) -> str:
    """What a client has sent, cut and escaped."""
    return _SHOWN.repr(value)[:_LENGTH]


def as_plain(value: Any) -> Any:
    """A Struct or a pydantic model as what JSON and packets can have; anything else is returned as it is."""
    kind: Any = cast(object, type(value))
    if hasattr(kind, "__struct_fields__"):
        import msgspec

        return msgspec.to_builtins(value, builtin_types=BINARY_TYPES)
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    return value


def _parts(hint: Any, *, deep: bool = False, seen: set[int] | None = None) -> Iterator[Any]:
    """What an annotation is made of; with the fields of its models, if `deep`."""
    seen = set[int]() if seen is None else seen
    if id(hint) in seen:
        return
    seen.add(id(hint))
    yield hint
    inner = [*get_args(hint), get_origin(hint), getattr(hint, "__value__", None)]
    if get_origin(hint) is Annotated:
        inner += hint.__metadata__
    if deep and _is_model(hint, typed_dicts=True):
        inner += _fields(hint)
    for part in inner:
        if part is not None:
            yield from _parts(part, deep=deep, seen=seen)


def _fields(model: Any) -> list[Any]:
    try:
        return list(get_type_hints(model, include_extras=True).values())
    except Exception:  # noqa: BLE001 - the library that does the work will say it
        return []


def _is_model(part: Any, *, typed_dicts: bool) -> bool:
    return isinstance(part, type) and (
        dataclasses.is_dataclass(cast("type[Any]", part))
        or (typed_dicts and is_typeddict(cast("type[Any]", part)))
        or hasattr(cast("type[Any]", part), "__struct_fields__")
        or hasattr(cast("type[Any]", part), "__pydantic_validator__")
    )


def _is_metadata(part: Any) -> bool:
    return not isinstance(part, type) and _module_of(part) in (
        "msgspec",
        "pydantic",
        "annotated_types",
    )


def _module_of(part: Any) -> str:
    """The package of a value's class: of an annotation's metadata."""
    return type(part).__module__.partition(".")[0]
