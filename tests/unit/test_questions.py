"""Questions between processes, and callbacks that wait for clients of others: bounds, and what comes of rubbish."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import orjson
import pytest

from flask_socketio.base.counters import Counters
from flask_socketio.cluster.base import Callback
from flask_socketio.cluster.callbacks import Callbacks
from flask_socketio.cluster.members import Members
from flask_socketio.cluster.questions import Inquiry, Questions
from flask_socketio.cluster.wire import Message, answer_of, question_of
from flask_socketio.errors import UnknownClientError


class Two:
    """Two processes that hear each other; the second one answers."""

    def __init__(self, answers: dict[str, Callable[..., Any]]) -> None:
        self.said: list[Message] = []
        self.one = Questions(Members("one111", print), self._ask, {})
        self.two = Questions(Members("two222", print), self._answer, answers)

    def _ask(self, message: Message) -> None:
        self.two.asked(question_of(orjson.loads(orjson.dumps(message))))

    def _answer(self, message: Message) -> None:
        self.said.append(message)
        self.one.answered(answer_of(orjson.loads(orjson.dumps(message))))

    def ask(self, kind: str, *args: Any) -> Inquiry:
        _, inquiry = self.one.ask(kind, list(args), ["two222"])
        return inquiry


def test_a_long_answer_comes_in_parts() -> None:
    two = Two({"rooms": lambda: ["ü" * 1000] * 1000})
    inquiry = two.ask("rooms")
    assert inquiry.done.done
    assert inquiry.said == {"two222": {"value": ["ü" * 1000] * 1000}}
    assert len(two.said) == 16
    assert max(len(orjson.dumps(message)) for message in two.said) < 256 * 1024


def test_an_answer_that_is_too_long_is_none() -> None:
    inquiry = Two({"rooms": lambda: "x" * 17_000_000}).ask("rooms")
    assert inquiry.said == {"two222": {"error": "the answer is too large"}}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: {}["nobody"], {"unknown": True}),
        (lambda: 1 / 0, {"error": "ZeroDivisionError: division by zero"}),
        (lambda: {1: (2,)}, {"value": {"1": [2]}}),
    ],
)
def test_what_comes_of_an_answer(answer: Callable[[], Any], said: Any) -> None:
    assert Two({"rooms": answer}).ask("rooms").said == {"two222": said}


def test_an_answer_that_is_no_json() -> None:
    said = Two({"rooms": lambda: object()}).ask("rooms").said["two222"]
    assert said["error"].startswith("TypeError: Type is not JSON serializable")


def message(**changes: Any) -> Message:
    answer = {"method": "answer", "node": "two222", "to": "one111", "id": 1, "part": 0, "parts": 1}
    return {**answer, "text": "{}", **changes}


@pytest.mark.parametrize(
    "changes",
    [{"node": "other1"}, {"to": "other1"}, {"id": 2}, {"part": 1}, {"parts": 0}, {"parts": 257}],
    ids=str,
)
def test_what_is_no_answer_to_what_was_asked_is_ignored(changes: dict[str, Any]) -> None:
    one = Questions(Members("one111", print), lambda message: None, {})
    _, inquiry = one.ask("rooms", [], ["two222"])
    one.answered(answer_of(message(**changes)))
    assert inquiry.silent == {"two222"}
    one.answered(answer_of(message(text="[")))
    assert inquiry.said == {"two222": {"error": "no JSON object"}}


def test_who_is_gone_is_not_waited_for() -> None:
    one = Questions(Members("one111", print), lambda message: None, {})
    _, inquiry = one.ask("rooms", [], ["two222", "three3"])
    one.gone("two222")
    assert not inquiry.done.done
    one.gone("three3")
    assert inquiry.done.done


# -- callbacks -------------------------------------------------------------------------------------


def nothing(*_args: Any) -> None:
    pass


def test_callbacks_are_bounded_in_number() -> None:
    counters = Counters()
    callbacks = Callbacks(counters)
    for _ in range(10_100):
        callbacks.remember(Callback(nothing), None)
    assert len(callbacks) == 10_000
    assert counters.acks_dropped == 100


def test_callbacks_are_bounded_in_time() -> None:
    now = 0.0
    counters = Counters()
    callbacks = Callbacks(counters, lambda: now)
    callbacks.remember(Callback(nothing), None)
    callbacks.remember(Callback(nothing, on_loop=True, patience=60), "node11")
    now = 100.0
    callbacks.remember(Callback(nothing), None)
    assert len(callbacks) == 2  # a call() has a time-out of its own
    assert counters.acks_overdue == 0
    now = 3650.0
    callbacks.remember(Callback(nothing), None)
    assert len(callbacks) == 2
    assert counters.acks_overdue == 1


def test_one_thread_calls_a_callback_with_all_answers_in_their_order() -> None:
    callbacks = Callbacks(Counters())
    called: list[tuple[int, int]] = []

    def callback(number: int) -> None:
        time.sleep(0.001)
        called.append((number, threading.get_ident()))
        if number == 7:
            raise SystemExit("of the callback")

    number = callbacks.remember(Callback(callback), None)
    for answer in range(100):
        callbacks.answered(number, [answer])
    deadline = time.monotonic() + 10
    while len(called) < 100:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [answer for answer, _ in called] == list(range(100))
    assert len({thread for _, thread in called}) == 1


_set = ContextVar("_set", default="nothing")


@pytest.mark.parametrize("serves", [True, False])
def test_what_a_callback_sets_is_not_there_for_the_next_answer(serves: bool) -> None:
    """And what it returns goes on with what it has set; also in a process that only emits, which has no loop."""
    callbacks = Callbacks(Counters())
    found: list[tuple[str, str]] = []
    all_there = threading.Event()

    async def rest(before: str) -> None:
        found.append((before, _set.get()))

    def callback(number: int) -> Any:
        all_there.wait(10)
        before = _set.get()
        _set.set(f"by answer {number}")
        return rest(before)

    def answer() -> None:
        number = callbacks.remember(Callback(callback), None)
        for each in range(3):
            callbacks.answered(number, [each])
        all_there.set()

    async def serve() -> None:
        answer()
        async with asyncio.timeout(10):
            while len(found) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    if serves:
        asyncio.run(serve())
    else:
        answer()
        deadline = time.monotonic() + 10
        while len(found) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert found == [("nothing", f"by answer {number}") for number in range(3)]


def test_those_that_wait_for_a_process_that_is_gone_are_told() -> None:
    callbacks = Callbacks(Counters())
    told: list[Exception] = []
    for node in ("gone11", "here11", None):
        callbacks.remember(Callback(nothing, on_loop=True, failed=told.append), node)
    callbacks.fail_where(lambda node: node == "gone11", UnknownClientError)
    assert [str(error) for error in told] == ["gone11"]
    assert len(callbacks) == 2
