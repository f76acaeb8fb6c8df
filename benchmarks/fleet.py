"""A fleet of agents against a running registry: does it keep every one of them listed?

    make fleet AGENTS=1000 TTL=60 DURATION=120 PORT=9000

Every agent registers, heartbeats at a third of its TTL, and deregisters at the end. Every few
seconds the whole listing is read and compared with the agents that were told 200. Exits with 1
on a false expiry, on any answer that is no success, and on a connection that failed.

A registry that asks for a token gets it from --token, or from REGISTRY_TOKEN:

    REGISTRY_TOKEN=$(.venv/bin/python manage.py issue_token --read --quiet) make fleet
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Mapping

import httpx

from benchmarks.tally import Tally, report

LISTING_INTERVAL = 5.0
PAGE_SIZE = 500
REQUEST_TIMEOUT = 30.0
# How many registrations and deregistrations are under way at once.
CROWD = 32


class Fleet:
    """`size` agents, each with a lease of `ttl` seconds, that register and read with `token`."""

    def __init__(
        self, client: httpx.AsyncClient, size: int, ttl: int, token: str | None = None
    ) -> None:
        self.tally = Tally()
        # The lease tokens of the agents whose registration was acknowledged.
        self.leases: dict[str, str] = {}
        self._client = client
        self._ttl = ttl
        self._shown = {"Authorization": f"Bearer {token}"} if token else {}
        self._crowd = asyncio.Semaphore(CROWD)
        self._prefix = f"fleet-{os.getpid()}-"
        self._ids = [f"{self._prefix}{number}" for number in range(size)]

    async def live(self, duration: float) -> None:
        """Register all agents, let them heartbeat for `duration` seconds, deregister them."""
        beating: list[asyncio.Task[None]] = []
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.gather(*(self._register(agent_id) for agent_id in self._ids))
            beating += [asyncio.create_task(self._beat(agent_id)) for agent_id in self._ids]
            await asyncio.wait([watching, *beating], timeout=duration)
        finally:
            for task in (watching, *beating):
                task.cancel()
            ended = await asyncio.gather(watching, *beating, return_exceptions=True)
            await asyncio.gather(*(self._deregister(agent_id) for agent_id in self._ids))
        for end in ended:  # a mistake of this program, not an answer of the registry
            if isinstance(end, Exception):
                raise end

    async def _register(self, agent_id: str) -> None:
        lease = {"agent_id": agent_id, "agent_name": agent_id, "host": "127.0.0.1", "port": 8000}
        async with self._crowd:
            answer = await self._ask(
                *("register", "POST", "/agents/register"),
                json=lease | {"ttl_seconds": self._ttl},
                headers=self._shown,
            )
        if answer is not None and answer.is_success:
            self.leases[agent_id] = answer.json()["lease_token"]

    async def _beat(self, agent_id: str) -> None:
        interval = self._ttl / 3
        await asyncio.sleep(random.uniform(0, interval))
        while True:
            answer = await self._ask(
                "heartbeat", "POST", f"/agents/{agent_id}/heartbeat", headers=self._lease(agent_id)
            )
            if answer is not None and answer.status_code == 404:
                self.tally.false_expiries.add(agent_id)
            await asyncio.sleep(interval * random.uniform(0.9, 1.0))

    async def _deregister(self, agent_id: str) -> None:
        async with self._crowd:
            await self._ask(
                "deregister", "DELETE", f"/agents/{agent_id}", headers=self._lease(agent_id)
            )

    def _lease(self, agent_id: str) -> dict[str, str]:
        return {"Lease-Token": self.leases[agent_id]} if agent_id in self.leases else {}

    async def _watch(self) -> None:
        started = time.monotonic()
        while True:
            await asyncio.sleep(LISTING_INTERVAL)
            expected = set(self.leases)
            listed = await self._list()
            if listed is not None:
                self.tally.false_expiries |= expected - listed
            print(
                f"{time.monotonic() - started:5.0f} s   acknowledged {len(expected):>6}   "
                f"listed {'?' if listed is None else len(listed):>6}   "
                f"false expiries {len(self.tally.false_expiries)}   "
                f"{self.tally.line('heartbeat')}",
                flush=True,
            )

    async def _list(self) -> set[str] | None:
        """Return the ids of our agents in the listing, None when a page of it failed."""
        ids: set[str] = set()
        page: str | None = f"/agents?limit={PAGE_SIZE}"
        while page is not None:
            answer = await self._ask("list", "GET", page, headers=self._shown)
            if answer is None or not answer.is_success:
                return None
            ids |= {agent["agent_id"] for agent in answer.json()}
            link = answer.links.get("next", {}).get("url")
            page = link and str(answer.url.join(link))
        return {agent_id for agent_id in ids if agent_id.startswith(self._prefix)}

    async def _ask(
        self,
        name: str,
        method: str,
        url: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response | None:
        """Ask the registry and tally its answer; None when the connection failed."""
        started = time.perf_counter()
        try:
            answer = await self._client.request(method, url, json=json, headers=headers)
        except httpx.TransportError as error:
            self.tally.failures[f"{name}: {type(error).__name__}"] += 1
            return None
        self.tally.latencies.setdefault(name, []).append(time.perf_counter() - started)
        self.tally.statuses[answer.status_code] += 1
        return answer


async def run(registry_url: str, agents: int, ttl: int, duration: float, token: str | None) -> bool:
    # An agent's heartbeats are further apart than connections are kept: each has a new one.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=registry_url, limits=limits, timeout=REQUEST_TIMEOUT, follow_redirects=False
    ) as client:
        try:
            (await client.get("/health")).raise_for_status()
        except httpx.HTTPError as error:
            sys.exit(f"No registry answers at {registry_url} ({error}). Start one: make run")
        fleet = Fleet(client, agents, ttl, token)
        try:
            await fleet.live(duration)
        finally:
            report(fleet.tally)
        return fleet.tally.clean and len(fleet.leases) == agents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--registry-url", default="http://localhost:9000")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--ttl", type=int, default=60, help="seconds")
    parser.add_argument("--duration", type=float, default=120, help="seconds")
    parser.add_argument(
        "--token",
        default=os.environ.get("REGISTRY_TOKEN"),
        help="an access token to register and read with, where one is asked for "
        "(else the variable REGISTRY_TOKEN)",
    )
    options = parser.parse_args()
    try:
        clean = asyncio.run(
            run(
                options.registry_url,
                options.agents,
                options.ttl,
                options.duration,
                options.token,
            )
        )
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(not clean)


if __name__ == "__main__":
    main()
