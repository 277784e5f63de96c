"""What a test does without a tool that the machine lacks: skip aloud, or fail where CI promised the tool."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get("FLASK_DUPLEX_CI") == "1":
        pytest.fail(reason)
    print(f"skipped: {reason}")
    pytest.skip(reason)
