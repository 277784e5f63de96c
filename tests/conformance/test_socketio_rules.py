"""Socket.IO: what a client must not send. Each closes its whole connection at once and never reaches the app."""

from __future__ import annotations

import pytest

from tests.conformance.servers import final_journal, runs
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

pytestmark = pytest.mark.usefixtures("unharmed")

RESERVED = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
]
REASONS = {
    "client disconnect",
    "server disconnect",
    "transport close",
    "transport error",
    "ping timeout",
}
ONE = '{"_placeholder":true,"num":0}'

EVENTS = [
    pytest.param("42", id="no data"),
    pytest.param("421", id="only an id"),
    pytest.param("42[]", id="empty array"),
    pytest.param("42{}", id="object"),
    pytest.param('42"echo"', id="string"),
    pytest.param("42null", id="null"),
    pytest.param("42[{}]", id="name is an object"),
    pytest.param('42[{"toString":"echo"}]', id="name looks like a string"),
    pytest.param("42[null]", id="name is null"),
    pytest.param("42[true]", id="name is true"),
    pytest.param('42[["echo"]]', id="name is an array"),
    pytest.param('42["echo"', id="cut JSON"),
    pytest.param('42["echo",]', id="comma too much"),
    pytest.param("42['echo']", id="single quotes"),
    pytest.param('42["echo"]x', id="something after the JSON"),
    pytest.param('42abc["echo"]', id="id of letters"),
    pytest.param('42-1["echo"]', id="negative id"),
    pytest.param('42４["echo"]', id="id of full-width digits"),
    pytest.param('42²["echo"]', id="id of superscript digits"),
    pytest.param('42["echo",NaN]', id="NaN"),
    pytest.param('42["echo",Infinity]', id="Infinity"),
    pytest.param('42["echo",-Infinity]', id="-Infinity"),
    pytest.param('42["echo","a\nb"]', id="line feed in a string"),
    pytest.param('42["echo",' + "[" * 100_000 + "]" * 100_000 + "]", id="100000 deep"),
    pytest.param('42["echo",' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "]", id="deep objects"),
    pytest.param('42/custom,["echo"]', id="namespace not joined"),
    pytest.param('42/nope,["echo"]', id="unknown namespace"),
    pytest.param('42/custom["echo"]', id="namespace without its comma"),
    *(pytest.param(f'42["{name}",1]', id=name) for name in RESERVED),
    *(pytest.param(f'421["{name}"]', id=f"{name} with id") for name in RESERVED),
]

OTHERS = [
    pytest.param("4", id="nothing"),
    pytest.param("47", id="type 7"),
    pytest.param("4x", id="type x"),
    pytest.param("4 2", id="type space"),
    pytest.param("40", id="second connect"),
    pytest.param('40{"a":1}', id="second connect with auth"),
    pytest.param("41{}", id="disconnect with data"),
    pytest.param('41["echo"]', id="disconnect with an array"),
    pytest.param("41/custom,", id="disconnect, namespace not joined"),
    pytest.param("44", id="connect error without data"),
    pytest.param('44{"message":"x"}', id="connect error"),
    pytest.param('43/custom,1["x"]', id="ack, namespace not joined"),
    pytest.param("431{}", id="ack of an object"),
    pytest.param('431"x"', id="ack of a string"),
    pytest.param("431[NaN]", id="ack of NaN"),
]

BINARY = [
    pytest.param((f'450-["echo",{ONE}]',), id="0 attachments"),
    pytest.param((f'4511-["echo",{ONE}]',), id="11 attachments"),
    pytest.param((f'451000000000-["echo",{ONE}]',), id="1e9 attachments"),
    pytest.param((f'45{"9" * 2000}-["echo",{ONE}]',), id="2000 digits"),
    pytest.param((f'451.5-["echo",{ONE}]', b"x"), id="1.5 attachments"),
    pytest.param((f'45-1-["echo",{ONE}]', b"x"), id="-1 attachments"),
    pytest.param((f'45１-["echo",{ONE}]', b"x"), id="full-width attachments"),
    pytest.param((f'45-["echo",{ONE}]', b"x"), id="no number"),
    pytest.param((f'45["echo",{ONE}]', b"x"), id="no dash, no number"),
    pytest.param((f'451["echo",{ONE}]', b"x"), id="no dash"),
    pytest.param((f'461["echo",{ONE}]', b"x"), id="ack without dash"),
    pytest.param(("451-", b"x"), id="no data"),
    pytest.param(("451-[]", b"x"), id="empty array"),
    pytest.param((f"451-{ONE}", b"x"), id="no array"),
    pytest.param((f"451-[{ONE}]", b"x"), id="name is binary"),
    *(pytest.param((f'451-["{name}",{ONE}]', b"x"), id=name) for name in RESERVED),
    pytest.param((f'451-/custom,["echo",{ONE}]', b"x"), id="namespace not joined"),
    pytest.param((b"x",), id="attachment that is not due"),
    pytest.param((f'451-["nobody",{ONE}]', b"x", b"y"), id="one attachment too many"),
    pytest.param((f'452-["echo",{ONE}]', b"x", '42["echo"]'), id="text in place of the second"),
    pytest.param((f'451-["echo",{ONE}]', '42["echo"]'), id="text while due"),
    pytest.param((f'451-["echo",{ONE}]', f'451-["echo",{ONE}]'), id="header while due"),
    pytest.param((f'451-["echo",{ONE}]', "41"), id="disconnect while due"),
    *(
        pytest.param((f'451-["echo",{{"_placeholder":true,{num}}}]', b"x"), id=num)
        for num in (
            '"num":-1',
            '"num":1',
            '"num":99',
            '"num":"splice"',
            '"num":"0"',
            '"num":0.5',
            '"num":1e400',
            '"num":true',
            '"num":null',
            '"num":[0]',
        )
    ),
    pytest.param(('451-["echo",{"_placeholder":true}]', b"x"), id="num missing"),
]


def assert_closes(
    server: ServerProcess, client: SioClient, packets: tuple[str | bytes, ...]
) -> None:
    """The packets close the connection; no handler runs beside that of "disconnect", once."""
    sid = client.join()
    before = runs(server)
    client.engine.send(*packets)
    seen = client.engine.expect_gone()
    assert [packet for packet in seen if packet not in ("1", "6", "41")] == []
    connected, disconnected = final_journal(server, sid)
    assert connected == "connect"
    assert disconnected.removeprefix("disconnect:") in REASONS
    assert runs(server) == before


@pytest.mark.parametrize("packet", EVENTS)
def test_a_wrong_event_closes(app: ServerProcess, client: SioClient, packet: str) -> None:
    assert_closes(app, client, (packet,))


@pytest.mark.parametrize("packet", OTHERS)
def test_a_wrong_packet_closes_the_connection(
    app: ServerProcess, client: SioClient, packet: str
) -> None:
    assert_closes(app, client, (packet,))


@pytest.mark.parametrize("packets", BINARY)
def test_wrong_binary_closes(
    app: ServerProcess, client: SioClient, packets: tuple[str | bytes, ...]
) -> None:
    assert_closes(app, client, packets)


def test_what_precedes_a_wrong_packet_is_handled(app: ServerProcess, client: SioClient) -> None:
    sid = client.join()
    client.engine.send('42["echo",1]', "42[]", '42["echo",2]')
    client.engine.expect_gone()
    assert final_journal(app, sid)[:2] == ["connect", "echo"]
    assert len(final_journal(app, sid)) == 3


def test_all_namespaces_are_left(app: ServerProcess, client: SioClient) -> None:
    """A wrong packet in one namespace closes the connection, not only that namespace."""
    sids = [client.join(), client.join("/custom")]
    client.engine.send("42/custom,[]")
    client.engine.expect_gone()
    for sid in sids:
        assert len(final_journal(app, sid)) == 2


def test_attachments_do_not_outlive_a_namespace(app: ServerProcess, client: SioClient) -> None:
    """Nor are they kept for one that was never joined."""
    client.join()
    client.engine.send("41", f'451-["echo",{ONE}]', b"x")
    client.engine.expect_gone()
