"""`socketio.cluster`: who belongs together, and how it goes with what they tell each other."""

from __future__ import annotations

from typing import Any

from .life import Life
from .running import Running


class ClusterFacade:
    """`socketio.cluster`: the processes that belong together."""

    def __init__(self, life: Life) -> None:
        self._life = life

    @property
    def status(self) -> dict[str, Any]:
        """A snapshot, on any thread; `docs/cluster.md` says what is in it. Raises NotServingError where none serves."""
        running = self._life.require()
        return running.inbox.ask(_status, running)


def _status(running: Running) -> dict[str, Any]:
    questions = running.questions
    members = None if questions is None else questions.members
    counters = running.counters
    return {
        "node": None if members is None else members.node,
        "nodes": [] if members is None else sorted(members.nodes),
        "settled": members is None or members.knows_all,
        "queue": running.queue_status(),
        "lost": counters.queue_lost,
        "lost_by": dict(counters.queue_lost_by),
        "unsure": counters.queue_unsure,
        "gaps": counters.queue_gaps,
        "ignored": dict(counters.queue_ignored),
    }
