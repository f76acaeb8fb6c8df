"""The registry's own services are not called, whatever the networks are."""

import asyncio

import pytest

from agents.outbound.client import Answer, OutboundClient
from agents.outbound.endpoints import Endpoints
from agents.outbound.errors import NotAllowed
from agents.outbound.networks import Networks
from tests.agents.receiver import receiving


@pytest.mark.parametrize(
    ("address", "port", "has"),
    [
        ("192.0.2.1", 9000, True),
        ("::ffff:192.0.2.1", 9000, True),
        ("192.0.2.1", 9001, False),
        ("192.0.2.2", 9000, False),
        ("2001:db8::1", 80, True),
        ("2001:db8:0::1", 80, True),
        # A server mostly listens on all addresses of the loopback.
        ("127.0.0.1", 6379, True),
        ("127.0.0.2", 6379, True),
        ("::1", 6379, True),
    ],
)
def test_an_endpoint_is_an_address_with_a_port(address: str, port: int, has: bool) -> None:
    own = Endpoints.resolve([("192.0.2.1", 9000), ("2001:db8::1", 80), ("localhost", 6379)])

    assert own.has(address, port) is has


def test_a_name_without_an_address_is_left_out() -> None:
    assert Endpoints.resolve([("/run/postgresql", 5432), ("", 80)]).places <= {("loopback", 80)}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_nothing_is_sent_to_an_own_endpoint(host: str) -> None:
    with receiving() as receiver:
        own = Endpoints.resolve([("127.0.0.1", receiver.port)])

        async def call(path: str, own: Endpoints | None) -> Answer:
            networks = Networks.parse(["127.0.0.0/8"])
            async with OutboundClient(networks, own=own) as client:
                return await client.send("GET", f"http://{host}:{receiver.port}{path}")

        with pytest.raises(NotAllowed, match="is the registry's own"):
            asyncio.run(call("/own", own))
        assert asyncio.run(call("/other", Endpoints.resolve([("127.0.0.1", 1)]))).status == 200

        assert [received.path for received in receiver.received] == ["/other"]
