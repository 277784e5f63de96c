"""How hypothesis works here: fresh examples on a developer's machine, the same ones every time in CI."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "protocol",
    deadline=None,
    derandomize=bool(os.environ.get("FLASK_DUPLEX_CI")),
    database=None,
    max_examples=100,
    suppress_health_check=[
        HealthCheck.too_slow
    ],  # it looks at the clock; other work may run beside
)
settings.load_profile("protocol")
