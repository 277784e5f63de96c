"""Connections between machines, however the network cuts them, and whatever it does to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.relay.announced import AnnouncementError, announce, believed, host_and_port
from flask_socketio.relay.greeting import FRAMES, Guest, Host, Known
from flask_socketio.relay.records import LARGEST, Opener, Sealer
from flask_socketio.relay.secret import ForgedError, Secret

KEY, NOW = Secret(b"k" * 32), 1_000_000.0


def greet(secret: Secret = KEY, of_host: Secret = KEY) -> tuple[Known, Known]:
    guest, host = Guest(secret, FRAMES, "guest-", "host--"), Host(of_host, "host--")
    challenge, nobody = host.take(guest.hello)
    assert nobody is None
    proof, hosts = guest.take(challenge)
    _, guests = host.take(proof)
    assert guests is not None
    assert (guests.node, guests.purpose, hosts.node) == ("guest-", FRAMES, "host--")
    return hosts, guests


def test_both_ends_read_what_the_other_one_writes() -> None:
    of_guest, of_host = greet()
    for one, other in ((of_guest, of_host), (of_host, of_guest)):
        for data in (b"first", b"x" * (2 * LARGEST + 1), b"last"):
            assert other.opener.feed(one.sealer.seal(data)) == data


def test_one_direction_is_not_the_other() -> None:
    """What an end has said itself, it does not take for the other's."""
    of_guest, _ = greet()
    with pytest.raises(ForgedError):
        of_guest.opener.feed(of_guest.sealer.seal(b"hello"))


def test_nor_one_connection_another() -> None:
    of_guest, _ = greet()
    _, another = greet()
    with pytest.raises(ForgedError):
        another.opener.feed(of_guest.sealer.seal(b"hello"))


def test_another_key_is_noticed_by_the_guest() -> None:
    with pytest.raises(ForgedError):
        greet(of_host=Secret(b"l" * 32))


@given(st.binary(max_size=300), st.lists(st.integers(1, 50)))
def test_however_it_is_cut(data: bytes, sizes: list[int]) -> None:
    sealed, opener = Sealer(b"key").seal(data), Opener(b"key")
    opened = b""
    for size in [*sizes, len(sealed)]:
        opened += opener.feed(sealed[:size])
        sealed = sealed[size:]
    assert opened == data


@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_bit_is_enough(data: bytes, draw: st.DataObject) -> None:
    sealed = bytearray(Sealer(b"key").seal(data))
    at = draw.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[at // 8] ^= 1 << at % 8
    opener = Opener(b"key")
    try:
        assert (
            opener.feed(bytes(sealed)) == b""
        )  # it is said to be longer, and the rest is waited for
    except ForgedError:
        return
    with pytest.raises(ForgedError):
        opener.feed(bytes(LARGEST))


@given(st.text(max_size=60))
def test_an_announcement_is_host_and_port(text: str) -> None:
    """Or is not believed, whoever has signed it."""
    told = announce(KEY, "friend", text.encode(errors="replace").decode(), NOW)
    try:
        host, port = believed(KEY, "friend", told, NOW)
    except AnnouncementError:
        return
    assert host and 0 <= port <= 65535


@pytest.mark.parametrize(
    "told",
    [
        None, [], "x", {}, {"address": "h:1", "time": "1", "proof": "00"},
        {"address": "h:1", "time": 1.0, "proof": ""}, {"address": "h:1", "time": int(NOW), "proof": "no hex"},
        {"address": "h:1", "time": int(NOW), "proof": "00" * 32}, {"address": "\ud800", "time": 1, "proof": "00"},
    ],
)  # fmt: skip
def test_what_is_no_announcement(told: object) -> None:
    with pytest.raises(AnnouncementError):
        believed(KEY, "friend", told, NOW)


def test_addresses() -> None:
    assert host_and_port("[::1]:7000") == ("::1", 7000)
    for wrong in ("host", ":1", "host:", "host:x", "host:65536", "host:-1", "host:\u0661"):
        with pytest.raises(ValueError, match="is not host:port"):
            host_and_port(wrong)
