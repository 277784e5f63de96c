"""Settings that hold for every test."""

from contextlib import suppress
from typing import Any

import psutil
import pytest
from hypothesis import settings

from tests.kit.warm import adopt_orphans, end_zygotes

# The same examples on every machine and in every run, and nothing left on the disk.
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")

#: Tests that have passed for each dot: a run without a failure fits on a screen.
_PER_DOT = 100

_passed = 0
#: command lines of processes that were still there in the end
_left: list[str] = []


def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    global _passed
    if not report.passed or report.when != "call" or config.get_verbosity() > 0:
        return None
    _passed += 1
    return "passed", "." if _passed % _PER_DOT == 0 else "", ""


def pytest_sessionstart() -> None:
    adopt_orphans()  # so that they are found in the end


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several processes that run tests has ended."""
    _left.extend(getattr(node, "workeroutput", {}).get("left", []))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing that a test has started outlives the run, also where the test has failed."""
    end_zygotes()
    config: Any = session.config
    if not config.pluginmanager.hasplugin("dsession"):  # else the others are its children
        _left.extend(_end_children())
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = _left
    elif _left:
        print("\nprocesses that a test has left behind:", *_left, sep="\n  ")
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _end_children() -> list[str]:
    """Kill what still runs; returns its command lines."""
    left: list[str] = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                left.append(" ".join(child.cmdline()))
            child.kill()
    return left
