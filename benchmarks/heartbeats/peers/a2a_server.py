"""Runs oo-a2a-registry as its README shows: ``... a2a_server PORT COUNT``.

Its agents are registered and verified before the start; otherwise it would fetch each one's card.
"""

import asyncio
import sys

import uvicorn
from a2a_registry import AgentCard, AgentInterface, AgentRegistryServer

INTERVAL = 86_400


def main(port: int, count: int) -> None:
    server = AgentRegistryServer()
    asyncio.run(know(server, count))
    uvicorn.run(server.create_app(), host="127.0.0.1", port=port, log_level="warning")


async def know(server: AgentRegistryServer, count: int) -> None:
    for number in range(count):
        interface = AgentInterface(
            url=f"http://agent-{number}:8080/jsonrpc",
            protocolBinding="json-rpc/2.0",
            protocolVersion="1.0",
        )
        card = AgentCard(name=f"agent-{number}", supportedInterfaces=[interface], version="1.0.0")
        await server.provider.upsert(card, INTERVAL)
        await server.provider.mark_verified(card.effective_url)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
