"""What somebody may have meant who has written a name wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

#: Longer names are not compared, nor with more than so many: clients may send any name.
_LENGTH, _MANY = 32, 200


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """The end of a sentence: ", did you mean 'nearest'?", or nothing if none is near.

    `cutoff`: how near, from 0 to 1, which is the same.
    """
    if len(name) > _LENGTH:
        return ""
    candidates = [other for other in islice(known, _MANY) if len(other) <= _LENGTH]
    found = get_close_matches(name, candidates, n=1, cutoff=cutoff)
    return f", did you mean {found[0]!r}?" if found else ""
