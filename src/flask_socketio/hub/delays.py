"""Time, of which a hub has none of its own."""

from __future__ import annotations

from typing import Protocol, TypeVar

T = TypeVar("T", contravariant=True)


class Delays(Protocol[T]):
    """Does something about each item, some time after it was added, unless it is discarded before."""

    def add(self, item: T) -> None: ...

    def discard(self, item: T) -> None: ...
