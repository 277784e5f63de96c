"""Whether handlers wait for something, or for their turn on a busy machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from flask_socketio.dispatch import spare
from flask_socketio.dispatch.spare import Spare

ON_TIME = 0.05

needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells how long a thread has waited for a core"
)


@contextmanager
def neighbours(core: int) -> Iterator[None]:
    """Other programs that want the core."""
    burning = f"import os\nos.sched_setaffinity(0, {{{core}}})\nprint(flush=True)\nwhile True: pass"
    running = [
        subprocess.Popen([sys.executable, "-c", burning], stdout=subprocess.PIPE) for _ in range(4)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in running:
            process.kill()
            process.communicate()


def look(work: threading.Thread) -> bool:
    """What is found while it works."""
    found = Spare(threading.get_native_id(), ON_TIME)
    assert work.native_id is not None
    found.begin([work.native_id])
    time.sleep(0.1)
    return found.is_left([work.native_id])


@needs_linux
def test_what_computes_beside_others_leaves_nothing() -> None:
    core = min(os.sched_getaffinity(0))
    stop = threading.Event()

    def compute() -> None:
        os.sched_setaffinity(0, {core})
        while not stop.is_set():
            sum(range(1000))

    work = threading.Thread(target=compute)
    work.start()
    try:
        with neighbours(core):
            # A third of the time would be its own, and so it was taken to wait for something.
            assert not any(look(work) for _ in range(5))
    finally:
        stop.set()
        work.join()


def files_of_threads() -> int:
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # what has just listed them
            found += "/task/" in str(descriptor.readlink())
    return found


def wait_for_the_end(thread: threading.Thread) -> None:
    """As the system sees it; `join()` comes back when Python has done its part."""
    thread.join()
    deadline = time.monotonic() + 60
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@needs_linux
def test_no_file_is_kept_of_a_thread_that_is_not_looked_at() -> None:
    """Threads come and go; each could have left some."""
    found = Spare(threading.get_native_id(), ON_TIME)
    before = files_of_threads()
    found.begin([])
    of_one = files_of_threads() - before
    assert of_one > 0
    for _ in range(5):
        stop = threading.Event()
        work = threading.Thread(target=stop.wait)
        work.start()
        assert work.native_id is not None
        for _ in range(3):
            found.begin([work.native_id])
            found.is_left([work.native_id])
            assert files_of_threads() == before + 2 * of_one
        stop.set()
        wait_for_the_end(work)
        found.begin([work.native_id])  # it has ended just now
        assert not found.is_left([work.native_id])
        found.begin([])
        assert files_of_threads() == before + of_one
    del found
    assert files_of_threads() == before


@needs_linux
def test_what_waits_leaves_its_core_to_others() -> None:
    stop = threading.Event()
    work = threading.Thread(target=stop.wait)
    work.start()
    deadline = time.monotonic() + 60
    try:
        while not look(work):  # this thread, which looks, may be kept from its core as well
            assert time.monotonic() < deadline
    finally:
        stop.set()
        work.join()


def test_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    """CPU time is all there is; it says nothing when the look comes late."""
    monkeypatch.setattr(spare, "_THREADS", str(tmp_path))
    now = [100.0]
    monkeypatch.setattr(spare.time, "monotonic", lambda: now[0])
    found = Spare(threading.get_native_id(), ON_TIME)
    found.begin([1])
    now[0] += 1000 * ON_TIME
    assert not found.is_left([1])
    monkeypatch.setattr(spare.time, "process_time", lambda: 1.0)
    found.begin([1])
    now[0] += ON_TIME / 2
    assert found.is_left([1])
