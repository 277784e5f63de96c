"""What is drawn in more than one of the tests here."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.protocol.reference import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, Frame, Sent

RESERVED = (
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
)

#: str as Python has it, halves of surrogate pairs included
any_text = st.text(st.characters(exclude_categories=()))

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
keys = st.text(max_size=8).filter(lambda key: key != "_placeholder")


def nested(leaves: st.SearchStrategy[Any], max_leaves: int = 12) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=max_leaves,
    )


json_values = nested(scalars)
values_with_binary = nested(scalars | st.binary(max_size=20))

namespaces = st.just("/") | st.builds(
    lambda name: "/" + name, st.text(max_size=20).filter(lambda name: "," not in name)
)
event_names = st.text(max_size=12).filter(lambda name: name not in RESERVED)
ack_ids = st.integers(0, 10**16 - 1)


def packets(values: st.SearchStrategy[Any] = values_with_binary) -> st.SearchStrategy[Sent]:
    """Every type of packet that a peer may send."""
    arguments = st.lists(values, max_size=4)
    event = st.builds(lambda name, rest: [name, *rest], event_names, arguments)
    objects = st.dictionaries(keys, json_values, max_size=4)
    return st.one_of(
        st.builds(Sent, st.just(EVENT), namespaces, event, st.none() | ack_ids),
        st.builds(Sent, st.just(ACK), namespaces, arguments, ack_ids),
        st.builds(Sent, st.just(CONNECT), namespaces, st.none() | objects),
        st.builds(Sent, st.just(DISCONNECT), namespaces),
        st.builds(Sent, st.just(CONNECT_ERROR), namespaces, objects | st.text()),
    )


def binary_packets(max_attachments: int = 6) -> st.SearchStrategy[Sent]:
    """EVENT and ACK packets with at least one attachment, somewhere."""
    blobs = st.lists(st.binary(max_size=20), min_size=1, max_size=max_attachments)

    def around(attachments: list[bytes], values: list[Any], path: list[str | None]) -> list[Any]:
        """The attachments between other values, each wrapped in a few containers."""
        arguments: list[Any] = []
        for number, attachment in enumerate(attachments):
            item: Any = attachment
            for step in path[: number + 1]:
                item = [item] if step is None else {step: item}
            arguments += [*values[number : number + 1], item]
        return arguments

    arguments = st.builds(
        around,
        blobs,
        st.lists(json_values, max_size=max_attachments),
        st.lists(st.none() | keys, max_size=4),
    )
    event = st.builds(lambda name, rest: [name, *rest], event_names, arguments)
    return st.one_of(
        st.builds(Sent, st.just(EVENT), namespaces, event, st.none() | ack_ids),
        st.builds(Sent, st.just(ACK), namespaces, arguments, ack_ids),
    )


@st.composite
def mutations(draw: st.DrawFn, frames: list[Frame], junk: st.SearchStrategy[str]) -> list[Frame]:
    """The frames with some of them cut, spliced, repeated, dropped or swapped."""
    frames = list(frames)
    for _ in range(draw(st.integers(1, 3))):
        if not frames:
            break
        at = draw(st.integers(0, len(frames) - 1))
        change = draw(st.sampled_from(["splice", "splice", "splice", "drop", "repeat", "swap"]))
        frame = frames[at]
        if change == "drop":
            del frames[at]
        elif change == "repeat":
            frames.insert(at, frame)
        elif change == "swap":
            frames.append(frames.pop(at))
        elif isinstance(frame, str):
            start = draw(st.integers(0, len(frame)))
            end = draw(st.integers(start, min(len(frame), start + 4)))
            frames[at] = frame[:start] + draw(junk) + frame[end:]
        else:
            frames[at] = draw(st.binary(max_size=8) | st.text(max_size=8))
    return frames
