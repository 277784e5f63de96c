"""What has happened since a server began to serve."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Counters:
    """One for each server; a number is written by one thread at a time.

    A further one takes a line here, and one where it happens. What every message does is not counted, unless that costs
    nothing.
    """

    #: what went beyond a limit, by the option that sets it
    limits_reached: dict[str, int] = field(default_factory=dict[str, int])

    # -- connections (Engine.IO), on the loop ---------------------------------------------------

    sessions_opened: int = 0
    sessions_closed: int = 0
    #: sessions closed, by reason
    closed_by: dict[str, int] = field(default_factory=dict[str, int])
    #: sessions that went on by WebSocket
    upgrades: int = 0
    #: WebSockets that were to take over a session and did not
    upgrades_abandoned: int = 0
    handshakes_refused: int = 0
    #: the same, by reason
    handshakes_refused_by: dict[str, int] = field(default_factory=dict[str, int])
    #: times that nothing more was read from a client, because of what it had sent already
    reading_paused: int = 0
    #: events that clients were not sent, because they read too slowly
    events_dropped: int = 0

    #: times that new connections had to be refused because file descriptors were used up
    descriptors_short: int = 0
    #: HTTP requests and connections that were refused or cut, by reason
    http_refused: dict[str, int] = field(default_factory=dict[str, int])

    # -- clients in namespaces (Socket.IO), on the loop -----------------------------------------

    connects: int = 0
    #: by a connect handler, or because nothing is served in the namespace
    connects_refused: int = 0
    disconnects: int = 0
    #: events for which there is no handler
    events_unhandled: int = 0
    #: acks for which nobody waits
    acks_unknown: int = 0
    #: callbacks that were forgotten because a client owes too many acks
    acks_dropped: int = 0
    #: callbacks that were forgotten because the ack has not come within ack_ttl
    acks_overdue: int = 0

    # -- handlers, on the loop ------------------------------------------------------------------

    handlers_started: int = 0
    handlers_finished: int = 0
    #: of these, those that raised what no error handler took; a connect handler that refuses has not failed
    handlers_failed: int = 0
    #: events that did not fit the annotations of their handlers, which were not called
    payloads_refused: int = 0
    #: times that an `async def` handler kept the loop from serving others
    loop_held: int = 0
    #: times that what waited behind a handler that blocks was given to other threads
    batches_taken_over: int = 0
    #: threads for handlers that there were at the same time, at most
    handler_threads_peak: int = 0

    # -- the message queue, on the threads that publish and listen ------------------------------

    queue_published: int = 0
    #: messages that certainly have not been published
    queue_lost: int = 0
    #: the same, by reason
    queue_lost_by: dict[str, int] = field(default_factory=dict[str, int])
    #: messages that were sent, and nobody knows whether they have arrived
    queue_unsure: int = 0
    #: messages of others for this server
    queue_received: int = 0
    #: of these, those that concern nobody here, and were not decoded
    queue_skipped: int = 0
    #: numbers that are missing between messages of the same other server
    queue_gaps: int = 0
    #: messages that were not acted upon, by reason
    queue_ignored: dict[str, int] = field(default_factory=dict[str, int])
    #: times that the queue could not be listened to, and was tried again
    queue_failures: int = 0

    # -- other machines, on the loop ------------------------------------------------------------

    #: their connections and announcements that were refused, by reason
    machines_refused: dict[str, int] = field(default_factory=dict[str, int])

    def limit_reached(self, option: str) -> None:
        """Count what went beyond a limit."""
        self.limits_reached[option] = self.limits_reached.get(option, 0) + 1

    def messages_lost(self, reason: str, messages: int) -> None:
        """Count what will not reach other servers."""
        self.queue_lost += messages
        self.queue_lost_by[reason] = self.queue_lost_by.get(reason, 0) + messages

    def message_ignored(self, reason: str) -> None:
        """Count what others have written to the queue and is not understood."""
        self.queue_ignored[reason] = self.queue_ignored.get(reason, 0) + 1

    def refuse_http(self, reason: str) -> None:
        self.http_refused[reason] = self.http_refused.get(reason, 0) + 1

    def refuse_handshake(self, reason: str) -> None:
        self.handshakes_refused += 1
        self.handshakes_refused_by[reason] = self.handshakes_refused_by.get(reason, 0) + 1

    def refuse_machine(self, reason: str) -> None:
        self.machines_refused[reason] = self.machines_refused.get(reason, 0) + 1

    def snapshot(self) -> dict[str, int | dict[str, int]]:
        """A copy: each by its name."""
        return asdict(self)
