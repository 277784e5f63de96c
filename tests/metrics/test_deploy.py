"""The board for Grafana and the configuration for Prometheus that stand in deploy/."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_socketio.runtime.metrics import METRICS, Kind, Metric
from flask_socketio.serving.exposition import exposed
from tests.kit.missing import skip_or_fail

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
#: All of those that are not on the board are on the page.
NOT_SHOWN = {
    "connects", "disconnects", "handlers_started", "upgrades_abandoned", "queue_backlog_bytes", "queue_ignored",
    "queue_skipped", "queue_unsure",
}  # fmt: skip


def expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["query"]["query"] for each in BOARD["templating"]["list"][1:])


EXPRESSIONS = list(expressions())
_NAME = re.compile(r"\bsocketio_\w+")


def example(metric: Metric) -> Any:
    histogram = {"sum": 1.0, "buckets": {"1.0": 1, "+Inf": 1}}
    value: Any = histogram if metric.kind is Kind.HISTOGRAM else 1
    for label in reversed(metric.labels):
        value = {label: value}
    return value


def fetched_names() -> set[str]:
    """Every name that Prometheus gets to see."""
    text, _ = exposed({name: example(metric) for name, metric in METRICS.items()}, "")
    return {line.partition("{")[0].partition(" ")[0] for line in text.decode().splitlines()} - {"#"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_board_asks_for_what_there_is(expression: str) -> None:
    names = set(_NAME.findall(expression))
    assert names
    assert names <= fetched_names()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_its_labels_are_there(expression: str) -> None:
    (name,) = _NAME.findall(expression)
    base = re.sub(r"_(total|bucket)$", "", name.removeprefix("socketio_"))
    by = re.findall(r"by \(([^)]*)\)", expression)
    wanted = {label.strip() for group in by for label in group.split(",")}
    assert wanted <= {*METRICS[base].labels, "le"}


def test_the_board_shows_all_but_some() -> None:
    shown = {
        re.sub(r"_(total|bucket)$", "", name.removeprefix("socketio_"))
        for expression in EXPRESSIONS
        for name in _NAME.findall(expression)
    }
    assert set(METRICS) - shown == NOT_SHOWN


def test_the_board_is_one() -> None:
    """What Grafana needs of a dashboard to import it."""
    assert {"title", "schemaVersion", "panels", "templating", "time"} <= set(BOARD)
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24
        assert panel["datasource"]["uid"] == "${datasource}"
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))


def test_promtool_reads_the_board_s_expressions(tmp_path: Path) -> None:
    rules = [
        {"record": f"board:number{number}", "expr": _filled(expression)}
        for number, expression in enumerate(EXPRESSIONS)
        if "label_values" not in expression
    ]
    file = tmp_path / "rules.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
    promtool("check", "rules", str(file))


def _filled(expression: str) -> str:
    return (
        expression.replace("$__rate_interval", "1m")
        .replace("$job", ".*")
        .replace("$instance", ".*")
    )


def test_promtool_reads_the_configuration(tmp_path: Path) -> None:
    text = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    assert "/etc/prometheus/socketio.token" in text
    file = tmp_path / "prometheus.yml"
    file.write_text(text.replace("/etc/prometheus/socketio.token", str(token)))
    promtool("check", "config", str(file))


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        skip_or_fail("promtool is not installed: Debian's package prometheus has it")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
