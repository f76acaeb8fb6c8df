"""Many agents' registry clients in one process: ``python -m tests.integration.client_fleet URL``.

Each is the client of the generated agents, left to itself. Prints what they log.
"""

import argparse
import asyncio
import contextlib
import logging
import sys

from registry_client import AgentRegistryClient
from registry_http import RegistryError


async def keep_registered(client: AgentRegistryClient) -> None:
    with contextlib.suppress(RegistryError):  # its loop tries again
        await client.register({"host": "127.0.0.1", "port": 8000})
    await client.start_heartbeat_loop()


async def live(options: argparse.Namespace) -> None:
    clients = [
        AgentRegistryClient(
            options.registry_url,
            f"{options.prefix}{number}",
            options.ttl,
            options.interval,
            keep_interval=True,
        )
        for number in range(options.agents)
    ]
    await asyncio.gather(*(keep_registered(client) for client in clients))
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("registry_url")
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--agents", type=int, required=True)
    parser.add_argument("--ttl", type=int, required=True, help="seconds")
    parser.add_argument("--interval", type=float, required=True, help="seconds")
    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(live(parser.parse_args()))


if __name__ == "__main__":
    main()
