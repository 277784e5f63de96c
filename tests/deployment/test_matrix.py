"""The ways to run an app, as they stand in people's Dockerfiles: each with real clients (docs/deployment.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.deployment.columns import visit
from tests.deployment.deployed import Deployed
from tests.deployment.rows import ROWS, Row

pytestmark = pytest.mark.timeout(150)  # three columns that fail, and a server that does not end

COMPARED = [row for row in ROWS if row.original]
RUNS = [("ours", row) for row in ROWS]
if "ORIGINAL" in os.environ:  # `make compat`
    RUNS += [("original", row) for row in COMPARED]


@pytest.mark.parametrize(
    ("implementation", "row"), RUNS, ids=lambda value: getattr(value, "name", value)
)
def test_row(implementation: str, row: Row, tmp_path: Path) -> None:
    with Deployed(row, tmp_path, implementation) as server:
        seen = visit(server, row)
        assert seen == (row.wanted if implementation == "ours" else row.original), server.log
        said = [line for line in server.log.splitlines() if row.advice and row.advice in line]
        assert implementation == "original" or len(said) == bool(row.advice), server.log


@pytest.mark.parametrize("row", COMPARED, ids=lambda row: row.name)
def test_what_works_on_the_original_works_here(row: Row) -> None:
    assert row.original is not None
    for there, here in zip(row.original, row.wanted, strict=True):
        assert there in ("fails", "refused", here) or here == "websocket"
