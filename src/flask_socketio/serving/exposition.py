"""The numbers as Prometheus and OpenMetrics have them, by prometheus_client, when they are fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from ..runtime.metrics import METRICS, Kind, Snapshot
from ..runtime.metrics import Metric as Described

_PREFIX = "socketio_"


def exposed(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """The text, in the format that the header `Accept` asks for, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(snapshot))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Snapshot(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for name, value in self._snapshot.items():
            yield _family(name, METRICS[name], value)


def _family(name: str, described: Described, value: Any) -> Metric:
    labels = described.labels
    if described.kind is Kind.HISTOGRAM:
        family = HistogramMetricFamily(_PREFIX + name, described.meaning, labels=labels)
        for path, part in _parts(value, len(labels)):
            family.add_metric(path, list(part["buckets"].items()), part["sum"])
        return family
    kind = CounterMetricFamily if described.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(_PREFIX + name, described.meaning, labels=labels)
    for path, part in _parts(value, len(labels)):
        family.add_metric(path, part)
    return family


def _parts(value: Any, depth: int) -> Iterable[tuple[list[str], Any]]:
    """Each with what its labels are."""
    if not depth:
        yield [], value
        return
    inner: Mapping[str, Any] = value
    for label, part in inner.items():
        for path, leaf in _parts(part, depth - 1):
            yield [label, *path], leaf
