"""How hypothesis works here: fresh examples on a developer's machine, the same ones every time in CI."""

import os

from hypothesis import settings

settings.register_profile(
    "protocol",
    deadline=None,
    derandomize=bool(os.environ.get("FLASK_DUPLEX_CI")),
    database=None,
    max_examples=100,
)
settings.load_profile("protocol")
