"""What the first fields of an emission say, so that most of what is for others need not be decoded whole.

Those of other packages have another order, and are decoded.
"""

from __future__ import annotations

import orjson

from .wire import Message

#: What an emission begins with, and what stands behind the fields that say whom it is for. One that wants an answer has
#: something else there: who has nobody for it may have to say so.
_BEGIN, _END = (b'{"seq":', b'{"host_id":'), b',"callback":null,"event":'
#: Bytes in which that has to come.
_LONGEST = 1000


def head_of(text: bytes | str) -> Message | None:
    """An emission of ours without the event and what else it carries; None for any other message."""
    if not isinstance(text, bytes) or not text.startswith(_BEGIN):
        return None
    end = text.find(_END, 0, _LONGEST)
    if end < 0:
        return None
    try:
        return orjson.loads(text[:end] + b"}")
    except orjson.JSONDecodeError:  # whatever it is, that will be said where it is read
        return None
