"""Compressed answers to polling requests (RFC 9110, section 8.4)."""

from __future__ import annotations

import zlib

from ..base.real import run_on_thread

#: zlib's `wbits` for each coding; the earlier one is preferred.
_CODINGS = {"gzip": 31, "deflate": 15}
#: Bytes from which on compressing is worth a hop to a thread.
_LARGE = 32 * 1024


async def compress(body: bytes, accept_encoding: str) -> tuple[bytes, bytes] | None:
    """The body in a coding that the client takes, and the name of that coding; None where there is none."""
    accepted = _accepted(accept_encoding)
    coding = next((name for name in _CODINGS if name in accepted), None)
    if coding is None:
        return None
    if len(body) < _LARGE:
        return _encode(body, coding), coding.encode()
    return await run_on_thread(_encode, body, coding), coding.encode()


def _accepted(accept_encoding: str) -> set[str]:
    accepted: set[str] = set()
    for entry in accept_encoding.lower().split(","):
        name, _, parameter = entry.partition(";")
        weight = parameter.strip().removeprefix("q=")
        if not parameter or weight.strip("0.") != "":  # q=0 means: not this one
            accepted.add(name.strip())
    return accepted


def _encode(body: bytes, coding: str) -> bytes:
    encoder = zlib.compressobj(wbits=_CODINGS[coding])
    return encoder.compress(body) + encoder.flush()
