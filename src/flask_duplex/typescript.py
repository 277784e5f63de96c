"""TypeScript's interfaces of an application's events, as the generics of the official client take them."""

from __future__ import annotations

import json
import re

from .events import Argument, Events, Happening, Space
from .schemas import Schema, identifier, reference

_HEAD = """\
// Made by `flask socketio typescript`: what clients send and what they are sent.
//
//     const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
"""
_BINARY = "export type Binary = ArrayBuffer | Uint8Array;\n"
_REFUSED = """\
/** The ack of an event whose payload is not of the types below. */
export interface Refused {
  error: string;
  fields: { argument: string; field: string; problem: string }[];
}
"""
_PRIMITIVES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
#: Words that are parameters' names in Python, and none in TypeScript.
_RESERVED = {
    "arguments", "case", "catch", "const", "debugger", "default", "delete", "do", "enum", "eval", "export", "extends",
    "false", "function", "implements", "instanceof", "interface", "let", "new", "null", "package", "private",
    "protected", "public", "static", "super", "switch", "this", "throw", "true", "typeof", "var", "void",
}  # fmt: skip


def typescript(events: Events) -> str:
    """The text of a module."""
    parts = [_declaration(name, schema) for name, schema in sorted(events.components.items())]
    for space in events.spaces:
        parts += _interfaces(space)
    text = "\n".join(parts)
    head = [_HEAD]
    if re.search(r"\bRefused\b", text):
        head.append(_REFUSED)
    if re.search(r"\bBinary\b", text):
        head.append(_BINARY)
    return "\n".join([*head, text])


def _interfaces(space: Space) -> list[str]:
    prefix = "" if space.name == "/" else identifier(space.name, capital=True)
    parts: list[str] = []
    for name, happenings in (
        ("ServerToClientEvents", space.sent),
        ("ClientToServerEvents", space.received),
    ):
        lines = [line for event in happenings for line in _event(event)]
        parts.append(
            "\n".join(
                [
                    f"/** Namespace {_comment(space.name)} */",
                    f"export interface {prefix}{name} {{",
                    *lines,
                    "}\n",
                ]
            )
        )
    if space.auth is not None:
        parts.append(f"export type {prefix}ConnectAuth = {_type(space.auth)};\n")
    return parts


def _event(event: Happening) -> list[str]:
    parameters = [_parameter(argument) for argument in event.arguments]
    if event.answers is not None and not any(item.variadic for item in event.arguments):
        # Not `ack?`: the client's emitWithAck() would not know its type. So what stands before it is required as well.
        parameters = [part.replace("?: ", ": ", 1) for part in parameters]
        parameters.append(_ack(event))
    return [
        *_about(event.about, "  "),
        f"  {_property(event.name)}: ({', '.join(parameters)}) => void;",
    ]


def _parameter(argument: Argument) -> str:
    name = f"{argument.name}_" if argument.name in _RESERVED else argument.name
    kind = _type(argument.schema)
    if argument.variadic:
        return f"...{name}: {_within(kind)}[]"
    return f"{name}{'' if argument.required else '?'}: {kind}"


def _ack(event: Happening) -> str:
    first, *rest = map(_type, event.answers or [])
    if event.is_checked:
        first += " | Refused"
    others = "".join(f", answer{number}: {kind}" for number, kind in enumerate(rest, 2))
    return f"ack: (answer: {first}{others}) => void"


def _declaration(name: str, schema: Schema) -> str:
    about = _about(schema.get("description", ""), "")
    name = identifier(name)
    if "properties" in schema:
        body = f"export interface {name} {{\n{_properties(schema, '  ')}\n}}\n"
    else:
        body = f"export type {name} = {_type(schema)};\n"
    return "\n".join([*about, body])


def _properties(schema: Schema, indent: str) -> str:
    required = schema.get("required", [])
    lines: list[str] = []
    for name, item in schema["properties"].items():
        lines += _about(item.get("description", ""), indent)
        optional = "" if name in required else "?"
        lines.append(f"{indent}{_property(name)}{optional}: {_type(item)};")
    return "\n".join(lines)


def _type(schema: Schema | None) -> str:
    """The expression for a schema; `unknown` where it says nothing."""
    if not schema:
        return "unknown"
    if (name := reference(schema)) is not None:
        return identifier(name)
    if "const" in schema or "enum" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
    for word, sign in (("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")):
        if word in schema:
            return sign.join(dict.fromkeys(map(_type, schema[word])))
    kind: str | list[str] | None = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": each}) for each in kind)
    if schema.get("format") == "binary":
        return "Binary"
    if kind == "array":
        return _array(schema)
    return _object(schema) if kind == "object" else _PRIMITIVES.get(str(kind), "unknown")


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(map(_type, schema['prefixItems']))}]"
    return f"{_within(_type(schema.get('items')))}[]"


def _object(schema: Schema) -> str:
    if schema.get("properties"):
        return f"{{ {_properties(schema, '').replace(chr(10), ' ')} }}"
    values: Schema | bool | None = schema.get("additionalProperties")
    return f"Record<string, {_type(None if isinstance(values, bool) else values)}>"


def _within(kind: str) -> str:
    return f"({kind})" if " " in kind and not kind.startswith(("{", "[", "Record")) else kind


def _property(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name) else json.dumps(name, ensure_ascii=False)


def _about(text: str, indent: str) -> list[str]:
    if not text:
        return []
    first, *rest = _comment(text).splitlines()
    if not rest:
        return [f"{indent}/** {first} */"]
    lines = [f"{indent} * {line}".rstrip() for line in (first, *rest)]
    return [f"{indent}/**", *lines, f"{indent} */"]


def _comment(text: str) -> str:
    return text.replace("*/", "* /")
