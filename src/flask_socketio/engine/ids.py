"""Session ids, of connections and of clients in namespaces; and what the id of an unknown session tells."""

from __future__ import annotations

import os
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator

from ..protocol.errors import UNKNOWN_SID, HandshakeRefused

_ENDED = "the session has ended"
_PROCESS_ENDED = "the process that had the session has ended"
_EARLIER = (
    "the session is of a process that was started before this one: most likely the server has been restarted, and the "
    "client connects anew"
)
_BESIDE = (
    "another process has the session, and this one knows nothing of it. run(workers=N), gunicorn -w N and "
    "uvicorn --workers N know each other's clients; other processes on one machine need workers_dir=, several "
    "machines message_queue= and cluster_address= (docs/serving.md, several processes)"
)
_STRANGE = "no server of this kind gives such session ids"

#: Characters of the millisecond in which a process began: the lower 42 bits, until the year 2109.
_BEGAN = 7
#: Milliseconds by which machines' clocks may differ.
_SKEW = 60_000
#: Characters of an id whose process has no name, as long as python-engineio's are: 78 of its bits are random.
_LENGTH = 20
#: Ids whose random bits are asked of the system at once; divisible by four, for four characters are three bytes.
_AT_ONCE = 64


def new_sids(begins: str = "", length: int = _LENGTH) -> Iterator[str]:
    """Ids without end: characters that are safe in a URL, `length` of them with six random bits each.

    They belong to one process: after a fork both would have the same.
    """
    while True:
        text = urlsafe_b64encode(os.urandom(_AT_ONCE * length * 3 // 4)).decode()
        for start in range(0, len(text), length):
            yield begins + text[start : start + length]


class Origin:
    """What the ids of a process's sessions begin with: its name, where it has one, and when it began.

    So a server that was restarted can tell a client of its predecessor's, who comes back by himself, from one of a
    process that runs beside it, whose requests should never have come here.
    """

    def __init__(self, node: str) -> None:
        self._name = len(node)
        self._began = _now()
        self._begins = node + _encode(self._began)
        random = _LENGTH if node else _LENGTH - _BEGAN
        self._length = len(self._begins) + random
        #: the ids of new sessions
        self.sids = new_sids(self._begins, random)

    def about_unknown(self, sid: str, *, has_ended: bool = False) -> HandshakeRefused:
        """How to refuse a request for a session that is not here; `has_ended`: its process is known to have."""
        if has_ended:
            return _usual(_PROCESS_ENDED)
        if sid.startswith(self._begins):
            return ended()
        began = self._read(sid)
        if began is None:
            return _usual(_STRANGE)
        if began < self._began:
            return _usual(_EARLIER)
        return HandshakeRefused(UNKNOWN_SID, _BESIDE, kind="another process's session")

    def _read(self, sid: str) -> int | None:
        """When the process of an id began; None for what is no id of a process like this one."""
        if len(sid) != self._length:
            return None
        try:
            began = _decode(sid[self._name : self._name + _BEGAN])
        except ValueError:
            return None
        return began if began <= _now() + _SKEW else None


def _now() -> int:
    return time.time_ns() // 1_000_000


def _encode(milliseconds: int) -> str:
    return urlsafe_b64encode(milliseconds.to_bytes(6, "big"))[1:].decode()


def _decode(text: str) -> int:
    """Raises ValueError."""
    return int.from_bytes(b64decode(f"A{text}", b"-_", validate=True), "big")


def ended() -> HandshakeRefused:
    """How to refuse a request for a session that was here."""
    return _usual(_ENDED)


def _usual(why: str) -> HandshakeRefused:
    """Of what happens to clients that were away: nobody need do anything."""
    return HandshakeRefused(UNKNOWN_SID, why, is_usual=True)
