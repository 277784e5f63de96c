"""Questions to other processes: about their clients, and who is in a room there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from ..base.promise import Promise
from ..base.told import Told
from .members import Membership
from .nodes import owner_of
from .wire import Answer, Message, Question, answer_message, question_message

logger = logging.getLogger("flask_socketio.server")

#: Characters of an answer in one message, so that no broker finds it too large; and messages of one answer, at most.
_PART, _MAX_PARTS = 64 * 1024, 256

#: What a process that was asked has said: the value, or how its own call has failed.
Said = dict[str, Any]
#: Called with a namespace and what the question has besides. Raises KeyError for a client that is not there.
AnswerQuestion = Callable[..., Any]


@dataclass(slots=True, eq=False)
class Inquiry:
    """A question that is under way."""

    #: processes that have not answered yet
    silent: set[str]
    said: dict[str, Said] = field(default_factory=dict[str, Said])
    parts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    #: kept when nobody is silent any more
    done: Promise[None] = field(default_factory=Promise[None])


class Questions:
    """Called where the state lives."""

    def __init__(
        self,
        members: Membership,
        publish: Callable[[Message], object],
        answers: Mapping[str, AnswerQuestion],
    ) -> None:
        self.members = members
        self._publish = publish
        self._answers = answers
        self._open: dict[int, Inquiry] = {}
        self._latest = 0
        self._told = Told(logger)

    def owners(self, sid: str) -> Collection[str]:
        """Whom to ask about a client that is not here; nobody, where nobody has it."""
        node, members = owner_of(sid), self.members
        is_nowhere = members.knows_all and node not in members.nodes
        return () if node is None or node == members.node or is_nowhere else (node,)

    def ask(self, kind: str, args: list[Any], nodes: Collection[str]) -> tuple[int, Inquiry]:
        """Ask processes; returns the question's number. Raises TypeError for arguments that are no JSON."""
        self._latest += 1
        inquiry = Inquiry(set(nodes))
        message = question_message(
            Question(self.members.node, self._latest, list(nodes), kind, args)
        )
        self._open[self._latest] = inquiry
        self._publish(message)
        return self._latest, inquiry

    def forget(self, number: int) -> None:
        """Nobody waits any more."""
        self._open.pop(number, None)

    def gone(self, node: str) -> None:
        """It will not answer, and its clients are gone as well."""
        for inquiry in self._open.values():
            self._heard(inquiry, node)

    def _heard(self, inquiry: Inquiry, node: str) -> None:
        inquiry.silent.discard(node)
        if not inquiry.silent:
            inquiry.done.keep(None)

    # -- what others say -----------------------------------------------------------------------

    def asked(self, question: Question) -> None:
        """Answer, if this process is asked."""
        if self.members.node not in question.nodes:
            return
        text = orjson.dumps(self._said(question)).decode()
        parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
        if len(parts) > _MAX_PARTS:
            self._told.warning(
                "another process's question %r has an answer of %d bytes", question.kind, len(text)
            )
            parts = ['{"error":"the answer is too large"}']
        for index, part in enumerate(parts):
            answer = Answer(
                self.members.node, question.node, question.number, index, len(parts), part
            )
            self._publish(answer_message(answer))

    def _said(self, question: Question) -> Said:
        try:
            value = self._answers[question.kind](*question.args)
            return {"value": orjson.Fragment(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))}
        except KeyError:
            return {"unknown": True}
        except Exception as error:  # noqa: BLE001 - it is for the one who asks
            return {"error": f"{type(error).__name__}: {error}"}

    def answered(self, answer: Answer) -> None:
        """A part of an answer; nothing comes of one that was not asked for."""
        inquiry = self._open.get(answer.number)
        if inquiry is None or answer.to != self.members.node or answer.node not in inquiry.silent:
            return
        parts = inquiry.parts.setdefault(answer.node, [])
        if answer.part != len(parts) or not 0 < answer.parts <= _MAX_PARTS:
            return
        parts.append(answer.text)
        if len(parts) == answer.parts:
            inquiry.said[answer.node] = _read(parts)
            self._heard(inquiry, answer.node)


def _read(parts: list[str]) -> Said:
    try:
        said: object = orjson.loads("".join(parts))
    except orjson.JSONDecodeError:
        said = None
    return cast(Said, said) if isinstance(said, dict) else {"error": "no JSON object"}
