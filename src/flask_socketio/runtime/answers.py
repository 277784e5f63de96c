"""What can be asked about clients and rooms: of this process, and by others of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from ..cluster.base import Adapter, Room, as_rooms
from ..hub.socket import Socket

#: What of an environ is told to other processes; the rest means something in its own alone.
_TOLD = (str, int, float, bool, type(None))


def find(adapter: Adapter[Socket], namespace: str, sid: str) -> Socket:
    """Raises KeyError for a client that is not here."""
    socket = adapter.find(namespace, sid)
    if socket is None:
        raise KeyError(f"client {sid!r} is not connected to namespace {namespace!r}")
    return socket


def rooms(adapter: Adapter[Socket], namespace: str, sid: str) -> list[Room]:
    """The client's, its own id first."""
    return [find(adapter, namespace, sid).sid, *find(adapter, namespace, sid).rooms]


def participants(adapter: Adapter[Socket], namespace: str, room: Any) -> dict[str, str]:
    """The ids of a room's clients, or of several rooms', and of their connections; of everybody for None."""
    wanted = as_rooms(room)
    return {
        socket.sid: socket.client.connection.sid
        for socket in adapter.sockets()
        if socket.namespace == namespace
        and (wanted is None or any(one == socket.sid or one in socket.rooms for one in wanted))
    }


def session(adapter: Adapter[Socket], namespace: str, sid: str) -> dict[str, Any]:
    """What was saved for a client, empty at first."""
    socket = find(adapter, namespace, sid)
    if socket.session is None:
        socket.session = {}
    return socket.session


def save_session(
    adapter: Adapter[Socket], namespace: str, sid: str, session: dict[str, Any]
) -> None:
    find(adapter, namespace, sid).session = session


def environ(adapter: Adapter[Socket], namespace: str, sid: str) -> dict[str, Any]:
    """Of a client's handshake."""
    return find(adapter, namespace, sid).client.connection.environ


def _environ_told(adapter: Adapter[Socket], namespace: str, sid: str) -> dict[str, Any]:
    found = environ(adapter, namespace, sid)
    return {name: value for name, value in found.items() if isinstance(value, _TOLD)}


def _save_session_told(adapter: Adapter[Socket], namespace: str, sid: str, session: object) -> None:
    if not isinstance(session, dict):
        raise TypeError("a session is a dict")
    save_session(adapter, namespace, sid, cast("dict[str, Any]", session))


ABOUT_CLIENTS: Mapping[str, Callable[..., Any]] = {
    "rooms": rooms,
    "session": session,
    "save_session": save_session,
    "environ": environ,
}


def answers_for_others(adapter: Adapter[Socket]) -> Mapping[str, Callable[..., Any]]:
    """What other processes may ask this one."""
    told = {
        **ABOUT_CLIENTS,
        "environ": _environ_told,
        "save_session": _save_session_told,
        "participants": participants,
    }
    return {kind: partial(answer, adapter) for kind, answer in told.items()}
