"""Which codec an application's packets go through: its own JSON, another module's, or MessagePack."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import flask.json
from flask import Flask
from flask.json.provider import DefaultJSONProvider

from ..app.options import Options
from ..protocol import json
from ..protocol.errors import SocketProtocolError
from ..protocol.socketio import Codec, JsonCodec
from .models import as_plain


def choose_codec(options: Options, app: Flask | None) -> Codec:
    """Raises ValueError for a serializer that there is not, and ImportError where msgpack is not installed."""
    own = None if app is None else AppJson(app)
    if options.serializer == "msgpack":
        try:
            from ..protocol.msgpack import MsgpackCodec
        except ImportError:
            raise ImportError(
                "serializer='msgpack' needs a library: pip install 'flask-duplex[msgpack]'"
            ) from None
        return MsgpackCodec(None if own is None else own.default)
    if options.serializer != "default":
        raise ValueError(f"serializer must be 'default' or 'msgpack', not {options.serializer!r}")
    if options.json is not None and options.json is not flask.json:
        module = JsonModule(options.json)
        return JsonCodec(module.dumps, module.loads)
    return JsonCodec() if own is None else JsonCodec(own.dumps, own.loads)


def message_dumps(app: Flask | None) -> Callable[[Any], tuple[bytes, list[bytes]]]:
    """What encodes arguments for a message queue."""
    return json.dumps if app is None else AppJson(app).dumps


class AppJson:
    """`app.json`, whichever it is at the time.

    Where only its `default` matters, orjson does the work; a provider that has its own dumps or loads is called.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app

    def dumps(self, value: Any) -> tuple[bytes, list[bytes]]:
        provider = self._app.json
        if type(provider).dumps is not DefaultJSONProvider.dumps:
            return JsonModule(provider).dumps(value)
        default = cast(DefaultJSONProvider, provider).default
        if default is DefaultJSONProvider.default:
            return json.dumps(value, _default)
        return json.dumps_asking(value, partial(_or_model, default))

    def loads(self, text: str) -> Any:
        provider = self._app.json
        if type(provider).loads is DefaultJSONProvider.loads:
            return json.loads(text)
        return JsonModule(provider).loads(text)

    def default(self, value: Any) -> Any:
        """What the provider makes of a value that is no JSON. Raises TypeError."""
        return _or_model(getattr(self._app.json, "default", _nothing), value)


def _or_model(default: Callable[[Any], Any], value: Any) -> Any:
    """What the provider makes of a value; of a Struct or a pydantic model, which Flask does not know, its fields."""
    try:
        return default(value)
    except TypeError:
        plain = as_plain(value)
        if plain is value:
            raise
        return plain


def _nothing(value: Any) -> Any:
    raise TypeError(f"Object of type {type(value).__name__} is not serializable")


#: of Flask's own provider
_default = partial(_or_model, DefaultJSONProvider.default)


class JsonModule:
    """Somebody's dumps() and loads(), as the codec needs them."""

    def __init__(self, module: Any) -> None:
        for name in ("dumps", "loads"):
            if not callable(getattr(module, name, None)):
                raise ValueError(f"json= needs dumps() and loads(); {module!r} has no {name}()")  # noqa: TRY004 - the option has the wrong value
        self._module = module

    def dumps(self, value: Any) -> tuple[bytes, list[bytes]]:
        """Raises TypeError for what the module does not encode, or does not as JSON."""
        attachments: list[bytes] = []
        try:
            text = self._dump(_lift_out(value, attachments))
        except (ValueError, RecursionError) as error:
            raise TypeError(f"not JSON serializable: {error}") from error
        data = text if isinstance(text, bytes) else text.encode()
        _refuse_tokens(data)
        return json.checked(data, attachments)

    def _dump(self, value: Any) -> str | bytes:
        try:
            return self._module.dumps(value, separators=(",", ":"))
        except TypeError as error:
            if "keyword" not in str(error):
                raise
        return self._module.dumps(value)  # orjson and its like write no spaces

    def loads(self, text: str) -> Any:
        """Raises SocketProtocolError for what the module refuses."""
        try:
            return self._module.loads(text)
        except Exception as error:
            raise SocketProtocolError(f"invalid JSON: {error}") from error


def _refuse_tokens(text: bytes) -> None:
    """Raise TypeError for NaN and Infinity, which the standard library writes and no JavaScript client reads."""
    if b"NaN" not in text and b"Infinity" not in text:
        return
    try:
        json.loads(text.decode())
    except SocketProtocolError as error:
        raise TypeError(f"not JSON serializable: {error}") from None


def _lift_out(value: Any, attachments: list[bytes]) -> Any:
    """The value with a placeholder for each binary part."""
    if isinstance(value, json.BINARY_TYPES):
        attachments.append(bytes(cast(bytes, value)))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {key: _lift_out(item, attachments) for key, item in items}
    if isinstance(value, list | tuple):
        return [_lift_out(item, attachments) for item in cast("list[Any]", value)]
    return value
