"""Who is in the cluster: the processes that serve clients and share a message queue.

Each says on the queue that it has come (the others answer), that it is still there, and that it goes. It has no clock
and no thread of its own: whoever listens to the queue calls `tick`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from .wire import Member, MemberState, Message, member_message

#: What a member says of itself: JSON.
Facts = dict[str, Any]

#: Seconds between two signs of life, and of silence after which a member is gone.
REFRESH, SILENCE = 10.0, 30.0
#: Seconds in which those who ask are answered together: of many that come at once, not each with a message.
_TOGETHER = 0.2
#: Seconds after which everybody has answered who can: a busy machine's processes, and those for whom the queue was away
#: for a moment longer.
_ANSWERED = 2.5
#: That are remembered: who can write to the queue cannot fill the memory.
_MAX_MEMBERS = 10_000


class Membership(Protocol):
    """Which processes belong together; asked where the state lives."""

    @property
    def node(self) -> str:
        """This one."""
        ...

    @property
    def nodes(self) -> Collection[str]:
        """The others."""
        ...

    @property
    def knows_all(self) -> bool:
        """Whether there is no other one."""
        ...


class _Alone:
    """Of one that has no name."""

    node = ""
    nodes: Collection[str] = ()
    knows_all = False


ALONE: Membership = _Alone()


@dataclass(slots=True)
class _Known:
    facts: Facts
    heard: float


class Members:
    """Those of a message queue; called where the state lives, but for `due`."""

    def __init__(
        self,
        node: str,
        publish: Callable[[Message], object],
        *,
        serves: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node = node
        #: to be added to what this process says of itself, from its next announcement on
        self.facts: Facts = {}
        #: called with a member's node and its facts when it has come, and when they have changed
        self.on_came: list[Callable[[str, Facts], object]] = []
        #: called with its node when it is gone
        self.on_gone: list[Callable[[str], object]] = []
        #: called when `knows_all` becomes true
        self.on_settled: list[Callable[[], object]] = []
        self.knows_all = False
        #: when `tick` has something to do; may be read on any thread
        self.due = float("inf")
        self._publish = publish
        self._serves = serves
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._settles = float("inf")
        self._said = 0.0
        self._owes = False
        self._listens = False

    @property
    def nodes(self) -> Collection[str]:
        return self._known.keys()

    def facts_of(self, node: str) -> Facts | None:
        """What a member says of itself; None where there is none."""
        known = self._known.get(node)
        return None if known is None else known.facts

    # -- what happens to this one --------------------------------------------------------------

    def listening(self) -> None:
        """The queue is listened to, from now on or again."""
        now = self._clock()
        self._listens = True
        self._settles = now + _ANSWERED
        for known in self._known.values():  # it is not they who were silent
            known.heard = now
        self._say(MemberState.HELLO if self._serves else MemberState.WHO)

    def deaf(self) -> None:
        """The queue cannot be listened to."""
        self.knows_all = self._listens = False
        self.due = self._settles = float("inf")

    def announce(self) -> None:
        """Say that this process is there: its facts have changed, for one."""
        self._say(MemberState.HERE)

    def leave(self) -> None:
        """Say that it goes, if anybody can hear it."""
        if self._serves and self._listens:
            self._say(MemberState.BYE)
        self.due = float("inf")

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock()
        for node in [node for node, known in self._known.items() if now - known.heard > SILENCE]:
            self.lost(node)
        if self._serves and (self._owes or now - self._said >= REFRESH):
            self.announce()
        if now >= self._settles:
            self._settles = float("inf")
            self.knows_all = True
            for call in self.on_settled:
                call()
        self._plan(now)

    def _say(self, state: MemberState) -> None:
        self._publish(member_message(Member(self.node, state, self.facts)))
        self._said = now = self._clock()
        self._owes = False
        self._plan(now)

    def _plan(self, now: float) -> None:
        again = self._said + _TOGETHER if self._owes else now + REFRESH
        self.due = min(again, self._settles)

    # -- what others say -----------------------------------------------------------------------

    def received(self, member: Member) -> None:
        """One has come, is there, or goes; or wants to know who is."""
        if member.state in (MemberState.HELLO, MemberState.WHO):
            self._owes = self._serves
            if self._owes and self._clock() - self._said > _TOGETHER:
                self.announce()
            self._plan(self._clock())
        if member.state is MemberState.BYE:
            self.lost(member.node)
        elif member.state is not MemberState.WHO:
            self._heard(member)

    def _heard(self, member: Member) -> None:
        known = self._known.get(member.node)
        if known is None and len(self._known) >= _MAX_MEMBERS:
            return
        self._known[member.node] = _Known(member.facts, self._clock())
        if known is None or known.facts != member.facts:
            for call in self.on_came:
                call(member.node, member.facts)

    def lost(self, node: str) -> None:
        """One is gone: it has said so, has been silent for too long, or is known in another way to have ended."""
        if self._known.pop(node, None) is not None:
            for call in self.on_gone:
                call(node)
