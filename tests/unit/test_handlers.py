"""Which handler an event is for."""

from __future__ import annotations

import tracemalloc

import pytest

from flask_socketio import Namespace
from flask_socketio.handling.table import HandlerTable


@pytest.mark.parametrize("namespace", ["/", "*"])
def test_names_that_clients_make_up_are_not_kept(namespace: str) -> None:
    table = HandlerTable(["/"])
    table.add(namespace, "*", print)
    tracemalloc.start()
    try:
        for number in range(20_000):
            found = table.find("/", f"made up {number}")
            assert found is not None and found[1] == (f"made up {number}",)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000


def test_namespaces_that_clients_make_up_are_not_kept() -> None:
    table = HandlerTable(["/"])
    table.add("*", "news", print)
    tracemalloc.start()
    try:
        for number in range(20_000):
            assert table.find(f"/made-up-{number}", "news") is not None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000


@pytest.mark.parametrize("how", ["attributes", "trigger_event"])
def test_events_that_a_class_makes_up_methods_for_are_not_kept(how: str) -> None:
    class Anything(Namespace):
        def __getattr__(self, name: str) -> object:
            return lambda *args: None

    class Own(Namespace):
        def trigger_event(self, event: str, *args: object) -> None: ...

    table = HandlerTable(["/"])
    table.add_class(Anything("/") if how == "attributes" else Own("/"))
    tracemalloc.start()
    try:
        for number in range(5_000):
            assert table.find("/", f"made up {number}") is not None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000
