"""Session ids, of connections and of clients in namespaces; and what the id of an unknown session tells."""

from __future__ import annotations

import re
import secrets
import time

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

#: Characters of a process's name, and of the millisecond in which it began: 44 bits, as hexadecimal digits.
_NAME, _BEGAN = 6, 11
_SID = re.compile(rf"[\w-]{{{_NAME}}}[0-9a-f]{{{_BEGAN}}}[\w-]{{20}}", re.ASCII)


def new_sid() -> str:
    """120 random bits as 20 characters that are safe in a URL."""
    return secrets.token_urlsafe(15)


class Origin:
    """What the ids of a process's sessions begin with: its name, and when it began.

    So a server that was restarted can tell a client of its predecessor's, who comes back by himself, from one of a
    process that runs beside it, whose requests should never have come here.
    """

    def __init__(self, node: str) -> None:
        self._began = time.time_ns() // 1_000_000
        self.begins = f"{node}{self._began:0{_BEGAN}x}"

    def about_unknown(self, sid: str, *, has_ended: bool = False) -> HandshakeRefused:
        """How to refuse a request for a session that is not here; `has_ended`: its process is known to have."""
        if has_ended:
            return _usual(_PROCESS_ENDED)
        if _SID.fullmatch(sid) is None:
            return _usual(_STRANGE)
        if sid.startswith(self.begins):
            return ended()
        if int(sid[_NAME : _NAME + _BEGAN], 16) < self._began:
            return _usual(_EARLIER)
        return HandshakeRefused(UNKNOWN_SID, _BESIDE, kind="another process's session")


def ended() -> HandshakeRefused:
    """How to refuse a request for a session that was here."""
    return _usual(_ENDED)


def _usual(why: str) -> HandshakeRefused:
    """Of what happens to clients that were away: nobody need do anything."""
    return HandshakeRefused(UNKNOWN_SID, why, is_usual=True)
