"""What those who watch want to be told of, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def overriding(
    watchers: Iterable[object], base: type, name: str
) -> tuple[Callable[..., object], ...]:
    """The methods of that name which are not `base`'s own: a watcher that does not care is not called."""
    own: Any = getattr(base, name)
    return tuple(getattr(each, name) for each in watchers if getattr(type(each), name) is not own)
