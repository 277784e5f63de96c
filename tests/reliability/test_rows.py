"""The rows of `make reliability` in small, and with bounds that only something broken exceeds; counts are exact."""

from __future__ import annotations

import pytest

from tests.reliability import bounds, rows
from tests.reliability.dripping import KINDS, drip
from tests.reliability.rows import Figure
from tests.reliability.servers import OURS, serve

pytestmark = pytest.mark.timing


def hold(figures: list[Figure], times: float = bounds.GUARD) -> None:
    print(", ".join(map(str, figures)))
    assert not [str(figure) for figure in figures if figure.is_over(times)]


def test_a_client_that_does_not_read() -> None:
    hold(rows.paused(OURS, 30_000))


def test_connections_that_drip() -> None:
    """Each ends by its own deadline, of a second here; that of a close frame's answer comes on top."""
    limits = {"header_timeout": 1, "rate_timeout": 1, "connect_timeout": 1}
    with serve(**limits) as server:
        outcome = drip(server, 10 * len(KINDS), 20)
    print(outcome.cut)
    assert not outcome.open
    assert outcome.connect_p99 < bounds.CONNECT_P99 * bounds.GUARD


def test_clients_whose_network_is_dead() -> None:
    hold(rows.half_open(OURS, 20, 0.5))


def test_threads() -> None:
    hold(rows.threads(OURS, rounds=100))


def test_clients_that_come_and_go() -> None:
    hold(rows.come_and_go(OURS, seconds=3, rate=100))


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_clients_that_come_and_go_for_long() -> None:
    hold(rows.come_and_go(OURS, seconds=bounds.SOAK_SECONDS), times=1)


@pytest.mark.soak
def test_threads_for_long() -> None:
    hold(rows.threads(OURS, rounds=20_000))


@pytest.mark.soak
def test_upgrades_for_long() -> None:
    hold(rows.upgrades(OURS, 2_000))
