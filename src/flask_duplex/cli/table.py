"""Two looks at a server's numbers -> the lines of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

_UNITS = ("", "k", "M", "G", "T")
_HEAD = ("namespace", "event", "in/s", "out/s", "took p50", "p99", "waited p99")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server has answered, and when, in seconds of a clock of this process."""

    time: float
    metrics: Mapping[str, Any]

    def number(self, name: str) -> float:
        """A number, or the sum of its parts."""
        return _sum(self.metrics.get(name, 0))

    def parts(self, name: str) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self.metrics.get(name, {}))


def table(before: Sample, after: Sample) -> list[str]:
    """What there is, and what has happened in between by the second."""
    rows = list(_overview(before, after))
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {_printable(text)}" for name, text in rows]
    events = list(_events(before, after))
    return [*lines, "", *_columns([_HEAD, *events])] if events else lines


def _overview(before: Sample, after: Sample) -> Iterator[tuple[str, str]]:
    def rate(name: str) -> str:
        return f"{_short(_rate(before, after, name))}/s"

    silent = sorted(after.parts("workers_silent"))
    workers = f"{after.number('workers'):g}"
    yield "workers", workers + (f"; no answer from {', '.join(silent)}" if silent else "")
    yield "connections", f"{after.number('connections'):g}{_list(after.parts('connections'))}"
    rooms = f"{after.number('rooms'):g} rooms"
    yield "clients", f"{after.number('clients'):g}{_list(after.parts('clients'))}, {rooms}"
    if "events_handled" in after.metrics:
        unhandled = _moved(before, after, "events_unhandled")
        events = f"{rate('events_handled')} in, {rate('events_emitted')} out"
        yield "events", ", ".join(filter(None, (events, unhandled)))
        yield "bytes", f"{rate('received_bytes')} in, {rate('sent_bytes')} out"
    handlers = (
        f"{after.number('handlers_running'):g} running, {after.number('handlers_queued'):g} waiting"
    )
    yield "handlers", f"{handlers}, {rate('handlers_started')}, {rate('handlers_failed')} failed"
    yield "threads", _list(after.parts("handler_threads")).strip(" ()")
    if "loop_lag_seconds" in after.metrics:
        lag = _difference(before.parts("loop_lag_seconds"), after.parts("loop_lag_seconds"))
        yield "loop lag", f"p50 {_quantile(lag, 0.5)}, p99 {_quantile(lag, 0.99)}"
    refused = [
        _moved(before, after, name)
        for name in ("handshakes_refused", "http_refused", "connects_refused", "limits_reached")
    ]
    yield "refused", ", ".join(filter(None, refused)) or "nothing"
    dropped = [_moved(before, after, name) for name in ("slow_consumers", "events_dropped")]
    yield "too slow", ", ".join(filter(None, dropped)) or "nobody"
    if after.number("queue_connected") or after.number("queue_failures"):
        lost = f"{after.number('queue_lost'):g} lost"
        yield (
            "queue",
            f"{after.number('queue_backlog'):g} wait, {lost}, {rate('queue_published')} out",
        )


def _moved(before: Sample, after: Sample, name: str) -> str:
    """How much of it there has been, and what of that is new."""
    total = after.number(name)
    if not total:
        return ""
    new = total - before.number(name)
    value = after.metrics.get(name)
    why = _list(cast("Mapping[str, Any]", value)) if isinstance(value, dict) else ""
    return f"{name.replace('_', ' ')} {total:g}{f' (+{new:g})' if new > 0 else ''}{why}"


def _events(before: Sample, after: Sample) -> Iterator[tuple[str, ...]]:
    """The busiest first."""
    found: list[tuple[float, tuple[str, ...]]] = []
    seconds = _seconds(before, after)
    for namespace, event in _names(after):
        handled = _at(after, "events_handled", namespace, event)
        received = _per(_at(before, "events_handled", namespace, event), handled, seconds)
        emitted = _at(after, "events_emitted", namespace, event)
        sent = _per(_at(before, "events_emitted", namespace, event), emitted, seconds)
        took, waited = (
            _difference(
                _times(before, name, namespace, event), _times(after, name, namespace, event)
            )
            for name in ("handler_seconds", "queue_seconds")
        )
        cells = _short(received), _short(sent), _quantile(took, 0.5), _quantile(took, 0.99)
        row = _printable(namespace), _printable(event), *cells, _quantile(waited, 0.99)
        found.append((received + sent, row))
    yield from (row for _, row in sorted(found, key=lambda each: -each[0]))


def _names(sample: Sample) -> list[tuple[str, str]]:
    both = (sample.parts("events_handled"), sample.parts("events_emitted"))
    return sorted(
        {
            (namespace, event)
            for parts in both
            for namespace, events in parts.items()
            for event in events
        }
    )


def _at(sample: Sample, name: str, namespace: str, event: str) -> Any:
    return sample.parts(name).get(namespace, {}).get(event, 0)


def _times(sample: Sample, name: str, namespace: str, event: str) -> Mapping[str, Any]:
    return sample.parts(name).get(namespace, {}).get(event, {})


# -- numbers ---------------------------------------------------------------------------------------


def _sum(value: Any) -> float:
    if isinstance(value, dict):
        return sum(map(_sum, cast("Mapping[str, Any]", value).values()))
    return value


def _seconds(before: Sample, after: Sample) -> float:
    return max(after.time - before.time, 1e-6)


def _rate(before: Sample, after: Sample, name: str) -> float:
    return _per(before.number(name), after.number(name), _seconds(before, after))


def _per(before: float, after: float, seconds: float) -> float:
    """By the second; a server that has begun anew counts from nothing."""
    return (after - before if after >= before else after) / seconds


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    """The buckets of a histogram that have been filled in between: how many took so long at most."""
    old: Mapping[str, Any] = before.get("buckets", {})
    new: Mapping[str, Any] = after.get("buckets", {})
    return {bound: max(count - old.get(bound, 0), 0) for bound, count in new.items()}


def _quantile(buckets: Mapping[str, float], part: float) -> str:
    """The bound that so large a part has not passed."""
    if not buckets or not buckets["+Inf"]:
        return "-"
    wanted = part * buckets["+Inf"]
    bound = next(bound for bound, count in buckets.items() if count >= wanted)
    if bound == "+Inf":
        return "> 10 s"
    return f"{float(bound):g} s" if float(bound) >= 1 else f"{float(bound) * 1000:g} ms"


def _short(number: float) -> str:
    power = 0
    while number >= 1000 and power < len(_UNITS) - 1:
        number /= 1000
        power += 1
    return f"{number:.1f}{_UNITS[power]}"


# -- text ------------------------------------------------------------------------------------------


def _list(parts: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{name} {count:g}" for name, count in parts.items())
    return f" ({shown})" if shown else ""


def _printable(text: str) -> str:
    """Without what a terminal would act upon."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _columns(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            f"{cell:<{width}}" if index < 2 else f"{cell:>{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
