"""Whether numbered messages arrived: each once, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Sequence:
    """What has become of the numbers from 0 up."""

    missing: int
    doubled: int
    #: numbers that came behind a greater one
    late: int

    @property
    def is_whole(self) -> bool:
        return not (self.missing or self.doubled or self.late)


def check(numbers: Iterable[int], sent: int) -> Sequence:
    """Judge the numbers as they arrived, of 0 to `sent` - 1."""
    seen: set[int] = set()
    doubled = late = 0
    greatest = -1
    for number in numbers:
        doubled += number in seen
        late += number < greatest and number not in seen
        seen.add(number)
        greatest = max(greatest, number)
    return Sequence(len(set(range(sent)) - seen), doubled, late)
