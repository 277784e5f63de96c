"""Where a node is, as it says on the message queue: signed, for whoever writes there is not one of us for that."""

from __future__ import annotations

from typing import Any, cast

from .secret import ForgedError, Secret

_PURPOSE = b"duplex address"
#: Seconds that an announcement may be old, or a clock wrong.
FRESH = 60.0


class AnnouncementError(Exception):
    """It cannot be believed; says why."""


def announce(secret: Secret, node: str, address: str, now: float) -> dict[str, Any]:
    """What others are told."""
    proof = secret.sign(_PURPOSE, node.encode(), address.encode(), str(int(now)).encode())
    return {"address": address, "time": int(now), "proof": proof.hex()}


def believed(secret: Secret, node: str, told: Any, now: float) -> tuple[str, int]:
    """Host and port. Raises AnnouncementError."""
    if not isinstance(told, dict):
        raise AnnouncementError("unsigned announcement")
    told = cast("dict[str, Any]", told)
    address, time, proof = told.get("address"), told.get("time"), told.get("proof")
    if not isinstance(address, str) or type(time) is not int or not isinstance(proof, str):
        raise AnnouncementError("unsigned announcement")
    try:
        parts = node.encode(), address.encode(), str(time).encode()
        secret.check(bytes.fromhex(proof), _PURPOSE, *parts)
        host, port = host_and_port(address)
    except (ForgedError, ValueError):
        raise AnnouncementError("forged announcement") from None
    if abs(now - time) > FRESH:
        raise AnnouncementError("stale announcement")
    return host, port


def host_and_port(address: str) -> tuple[str, int]:
    """Of `host:port`; an IPv6 address stands in brackets. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)
