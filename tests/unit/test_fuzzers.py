"""That the fuzzers still fit what they look at: each goes through what it begins with (fuzz/README.md)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.kit.server import ROOT

CORPUS = ROOT / "fuzz" / "corpus"


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_what_a_fuzzer_begins_with(name: str) -> None:
    inputs = [f"{name}={path}" for path in (CORPUS / name).iterdir()]
    command = [sys.executable, "-m", "fuzz", *inputs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
