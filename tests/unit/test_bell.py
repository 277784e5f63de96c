"""What wakes the threads for handlers: rung once, heard once, whoever comes first; on Linux and elsewhere."""

from __future__ import annotations

import errno
import os
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flask_socketio.base.real import Bell, new_bell
from tests.kit.missing import skip_or_fail

PATIENCE = 10.0
SHORT = 0.05


def none_left(*_: Any) -> int:
    raise OSError(errno.EMFILE, "Too many open files")


def as_it_is(monkeypatch: pytest.MonkeyPatch) -> None: ...


def without_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "eventfd", none_left, raising=False)


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd", raising=False)


@pytest.fixture(params=[as_it_is, without_descriptors, elsewhere], ids=lambda each: each.__name__)
def bell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bell:
    request.param(monkeypatch)
    return new_bell()


def test_one_that_is_rung_first_is_heard_once(bell: Bell) -> None:
    bell.release()
    assert bell.acquire(timeout=PATIENCE)
    assert not bell.acquire(timeout=0)


def test_nobody_rings(bell: Bell) -> None:
    begun = time.monotonic()
    assert not bell.acquire(timeout=SHORT)
    assert time.monotonic() - begun > 0.8 * SHORT


@pytest.mark.parametrize("timeout", [PATIENCE, -1])
def test_who_waits_hears_it_each_time(bell: Bell, timeout: float) -> None:
    heard: list[bool] = []
    again = threading.Semaphore(0)

    def listen() -> None:
        for _ in range(100):
            heard.append(bell.acquire(timeout=timeout))
            again.release()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    for _ in range(100):
        bell.release()
        assert again.acquire(timeout=PATIENCE)
    thread.join(PATIENCE)
    assert heard == [True] * 100


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize("bells", [1, 20])
def test_its_descriptors_go_with_it(bells: int) -> None:
    if sys.platform != "linux":
        skip_or_fail("descriptors are found in /proc")
    before = len(open_descriptors())
    made: list[Bell] = [new_bell() for _ in range(bells)]
    assert len(open_descriptors()) == before + 2 * bells
    made.clear()
    assert len(open_descriptors()) == before


@pytest.mark.parametrize("missing", ["eventfd", "epoll"])
def test_none_is_kept_of_one_that_was_not_made(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be one descriptor left, of the two that it takes."""
    if sys.platform != "linux":
        skip_or_fail("descriptors are found in /proc")
    of: dict[str, Any] = {"eventfd": os, "epoll": select}
    monkeypatch.setattr(of[missing], missing, none_left)
    before = len(open_descriptors())
    bell = new_bell()
    assert len(open_descriptors()) == before
    bell.release()
    assert bell.acquire(timeout=PATIENCE)
