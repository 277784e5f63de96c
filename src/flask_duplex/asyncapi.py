"""An AsyncAPI 3 document of an application's events.

A namespace is a channel, an event a message and an operation, from the server's point of view: it receives what has a
handler, and sends what was declared. The payload of an event with one argument is that argument; of one with more, or
any number of them, an array. An ack is the operation's reply.
"""

from __future__ import annotations

import re
from typing import Any

from .events import Argument, Events, Happening, Space
from .schemas import Schema, changed, identifier

Document = dict[str, Any]

_REFUSED: Schema = {
    "type": "object",
    "description": "The payload is not of the types that the handler expects, and was not handled.",
    "properties": {
        "error": {"type": "string"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "argument": {"type": "string"},
                    "field": {"type": "string"},
                    "problem": {"type": "string"},
                },
                "required": ["argument", "field", "problem"],
            },
        },
    },
    "required": ["error", "fields"],
}


def asyncapi(events: Events, title: str, version: str) -> Document:
    """The document, as JSON has it."""
    channels: Document = {}
    operations: Document = {}
    names = _keys([space.name for space in events.spaces])
    for space in events.spaces:
        channel = names[space.name]
        messages: Document = {}
        for action, happenings in (("receive", space.received), ("send", space.sent)):
            keys = _keys([event.name for event in happenings])
            for event in happenings:
                key = f"{action}.{keys[event.name]}"
                messages |= _messages(key, event)
                operations[f"{channel}.{key}"] = _operation(action, channel, key, event)
        channels[channel] = _channel(space, messages)
    components: Document = {name: _draft7(item) for name, item in sorted(events.components.items())}
    if any(event.is_checked for space in events.spaces for event in space.received):
        components["Refused"] = _REFUSED
    document: Document = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }
    if components:
        document["components"] = {"schemas": components}
    return document


def _keys(names: list[str]) -> dict[str, str]:
    """A key for each, of letters that need no escape in references."""
    keys: dict[str, str] = {}
    for name in names:
        key = plain = identifier(re.sub(r"[^ -~]", " ", name)) if name != "/" else "root"
        number = 1
        while key in keys.values():
            number += 1
            key = f"{plain}{number}"
        keys[name] = key
    return keys


def _channel(space: Space, messages: Document) -> Document:
    channel: Document = {"address": space.name, "title": f"namespace {space.name}"}
    if space.auth is not None:
        # There is no place for it: it is neither a message nor in the request's headers.
        channel["x-auth"] = _draft7(space.auth)
    return {**channel, "messages": messages}


def _messages(key: str, event: Happening) -> Document:
    messages = {key: {"name": event.name, "payload": _payload(event.arguments)}}
    if event.answers is not None:
        messages[f"{key}.ack"] = {"name": f"{event.name} (ack)", "payload": _answer(event)}
    return messages


def _operation(action: str, channel: str, key: str, event: Happening) -> Document:
    place = f"#/channels/{channel}"
    operation: Document = {"action": action, "channel": {"$ref": place}}
    if event.about:
        operation |= {"summary": event.about.splitlines()[0], "description": event.about}
    operation["messages"] = [{"$ref": f"{place}/messages/{key}"}]
    if event.answers is not None:
        ack = [{"$ref": f"{place}/messages/{key}.ack"}]
        operation["reply"] = {"channel": {"$ref": place}, "messages": ack}
    return operation


def _payload(arguments: list[Argument]) -> Schema:
    if len(arguments) == 1 and arguments[0].required and not arguments[0].variadic:
        return _draft7(arguments[0].schema)
    fixed = [item for item in arguments if not item.variadic]
    rest = [_draft7(item.schema) for item in arguments if item.variadic]
    schema: Schema = {"type": "array", "minItems": sum(item.required for item in fixed)}
    if fixed:
        items = [_titled(item) for item in fixed]
        schema |= {"items": items, "additionalItems": rest[0] if rest else False}
    elif rest:
        schema["items"] = rest[0]
    else:
        schema["maxItems"] = 0
    return schema


def _titled(argument: Argument) -> Schema:
    """With its name, unless it is one of the components: beside a reference nothing counts."""
    schema = _draft7(argument.schema)
    return schema if "$ref" in schema else {"title": argument.name, **schema}


def _answer(event: Happening) -> Schema:
    answers = [_draft7(schema) for schema in event.answers or []]
    schema: Schema = answers[0]
    if len(answers) > 1:
        schema = {
            "type": "array",
            "items": answers,
            "minItems": len(answers),
            "additionalItems": False,
        }
    if event.is_checked:
        return {"anyOf": [schema, {"$ref": "#/components/schemas/Refused"}]}
    return schema


def _draft7(schema: Schema) -> Schema:
    """The form of JSON Schema that AsyncAPI has."""

    def change(part: Schema) -> Schema:
        if "prefixItems" in part:
            items = part.pop("prefixItems")
            rest = part.pop("items", True)
            part |= {"items": items, "additionalItems": rest}
        return part

    return changed(schema, change)
