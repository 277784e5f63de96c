"""For who listens: a connection of which nothing is heard may be one whose other end is gone without a word."""

from __future__ import annotations

import time

#: Seconds of silence after which a broker is asked whether it is there, and that it has for an answer.
_SILENCE, _PATIENCE = 5.0, 3.0


class Lookout:
    """Begins with a sign of life."""

    def __init__(self) -> None:
        self.heard()

    def heard(self) -> None:
        """The broker has given a sign of life."""
        self._heard = time.monotonic()
        self._asked = False

    def wants_to_ask(self) -> bool:
        """Whether to ask for one, now that there was none again; raises TimeoutError where there is no answer."""
        silent = time.monotonic() - self._heard
        if silent > _SILENCE + _PATIENCE and self._asked:
            raise TimeoutError(f"no sign of life for {silent:.0f} s")
        asked, self._asked = self._asked, silent > _SILENCE
        return self._asked and not asked
