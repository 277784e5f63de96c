"""Who wants to know what happens to calls of handlers."""

from __future__ import annotations

from ..hub.call import Call, Outcome


class CallWatcher:
    """What happens to calls of handlers; a method that is left as it is costs nothing.

    Both are called where the handler runs, on its thread or on the loop, and in the `contextvars` context of the call,
    which is its own: what is set in there is what the handler sees, and is gone with it.
    """

    def handler_begins(self, call: Call) -> None:
        """Nothing of it has run."""

    def handler_ended(self, call: Call, outcome: Outcome) -> None:
        """`call.failure` is what it has raised, if nobody has handled that. The hub does not know yet."""
