"""Many agents in one process: ``python -m tests.faults.fleet URL``.

Each uses the client of generated agents. Their log goes to stdout, their calls and the answers into
a journal. `--steady` agents never stop; `--mortal` agents die, mostly without deregistering, and
return; a process of `--rivals` starts while the last one with its id still runs; of `--newcomers`,
so many register each second, and deregister once there are enough. They send the token if any.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import random
import sys
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from deploygen.client.registration.client import AgentRegistryClient
from deploygen.client.registration.errors import RegistryError, RegistryRefused, RegistryUnavailable
from deploygen.client.registration.http import RegistryHttp
from tests.faults.journal import Action, JournalWriter, Outcome

NEWCOMERS_TTL_SECONDS = 3600
NEWCOMERS_KEPT = 100
ENROLMENT_TOKEN = os.environ.get("AGENT_ENROLMENT_TOKEN") or None
ADDRESS = {"host": "127.0.0.1", "port": 8000}


class JournalledHttp(RegistryHttp):
    """Calls the registry for one process of an agent, and records each call in the journal."""

    def __init__(self, url: str, journal: JournalWriter, life: int, **options: Any) -> None:
        super().__init__(url, **options)
        self._journal = journal
        self._life = life

    async def call(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        action = Action.DEREGISTER if method == "DELETE" else Action(path.rpartition("/")[2])
        token = how.get("lease_token") or ""
        call = self._journal.sent(self._life, action, int(token.partition(".")[0] or 0) or None)
        outcome, details = Outcome.IN_DOUBT, {}
        try:
            answer = await super().call(method, path, **how)
            outcome, details = Outcome.DONE, _details_of(answer)
        except RegistryRefused as error:
            outcome, details = Outcome.REFUSED, {"status": error.status, "message": str(error)}
            raise
        except RegistryUnavailable as error:
            outcome = Outcome.IN_DOUBT if error.perhaps_done else Outcome.NOT_DONE
            details = {"message": str(error)}
            raise
        finally:
            self._journal.ended(call, outcome, **details)
        return answer


def _details_of(answer: dict[str, Any]) -> dict[str, Any]:
    beat = answer.get("last_heartbeat")
    details = {"generation": answer["generation"]} if "generation" in answer else {}
    return details | ({"beat": datetime.fromisoformat(beat).timestamp()} if beat else {})


class Fleet:
    def __init__(self, options: argparse.Namespace, journal: JournalWriter) -> None:
        self._options = options
        self._journal = journal
        # The event loop holds only weak references.
        self._clients: set[AgentRegistryClient] = set()

    async def live(self) -> None:
        prefix = self._options.prefix
        async with asyncio.TaskGroup() as group:
            for number in range(self._options.steady):
                group.create_task(self._steady(f"{prefix}{number}"))
            for number in range(self._options.mortal):
                group.create_task(self._mortal(f"{prefix}mortal-{number}"))
            for number in range(self._options.rivals):
                group.create_task(self._rivals(f"{prefix}rival-{number}"))
            if self._options.newcomers:
                group.create_task(self._newcomers(group, f"{prefix}new-"))
            group.create_task(asyncio.Event().wait())

    async def _steady(self, agent_id: str) -> None:
        await asyncio.sleep(_between(0, 1) * self._options.interval)  # no heartbeats in step
        await self._begin(agent_id)

    async def _mortal(self, agent_id: str) -> None:
        while True:
            await asyncio.sleep(_between(0.1, 1.5) * self._options.ttl)
            client, life = await self._begin(agent_id)
            await asyncio.sleep(_between(0.2, 1) * self._options.ttl)
            if _between(0, 3) < 1:
                await client.deregister()
            await self._kill(client, life)

    async def _rivals(self, agent_id: str) -> None:
        """Within three intervals the last process learns that it is superseded."""
        last = await self._begin(agent_id)
        while True:
            await asyncio.sleep(_between(0.5, 1) * self._options.ttl)
            new = await self._begin(agent_id)
            await asyncio.sleep(3 * self._options.interval)
            await self._kill(*last)
            last = new

    async def _newcomers(self, group: asyncio.TaskGroup, prefix: str) -> None:
        kept: deque[tuple[RegistryHttp, str, str | None]] = deque()
        number = 0
        while True:
            number += 1
            group.create_task(self._newcomer(f"{prefix}{os.getpid()}-{number}", kept))
            while len(kept) > NEWCOMERS_KEPT:
                group.create_task(self._take_off(*kept.popleft()))
            await asyncio.sleep(1 / self._options.newcomers)

    async def _newcomer(
        self, agent_id: str, kept: deque[tuple[RegistryHttp, str, str | None]]
    ) -> None:
        life = self._journal.born(agent_id, NEWCOMERS_TTL_SECONDS, beats=False)
        http = self._http(life)
        body = {"agent_id": agent_id, "ttl_seconds": NEWCOMERS_TTL_SECONDS, **ADDRESS}
        with contextlib.suppress(RegistryError):
            answer = await http.call(
                "POST",
                "/agents/register",
                body=body,
                access_token=ENROLMENT_TOKEN,
                expected={"agent_id": agent_id},
                seconds=10,
            )
            kept.append((http, agent_id, answer.get("lease_token")))
        await http.aclose()

    async def _take_off(self, http: RegistryHttp, agent_id: str, token: str | None) -> None:
        with contextlib.suppress(RegistryError):
            await http.call(
                "DELETE",
                f"/agents/{agent_id}",
                lease_token=token,
                expected={"status": "deleted"},
                seconds=10,
            )
        await http.aclose()

    async def _begin(self, agent_id: str) -> tuple[AgentRegistryClient, int]:
        options = self._options
        life = self._journal.born(agent_id, options.ttl)
        client = AgentRegistryClient(
            options.registry_url,
            agent_id,
            options.ttl,
            options.interval,
            keep_interval=True,
            enrolment_token=ENROLMENT_TOKEN,
        )
        client._lease.http = self._http(life)
        self._clients.add(client)
        with contextlib.suppress(RegistryError):  # its loop retries
            await client.register(ADDRESS)
        await client.start_heartbeat_loop()
        return client, life

    async def _kill(self, client: AgentRegistryClient, life: int) -> None:
        """Stop an agent like a killed process, which closes connections without deregistering."""
        if client._heartbeats is not None:
            client._heartbeats.cancel()
            await asyncio.wait([client._heartbeats])
        await client._lease.http.aclose()
        self._clients.discard(client)
        self._journal.died(life)

    def _http(self, life: int) -> JournalledHttp:
        return JournalledHttp(self._options.registry_url, self._journal, life)


def _between(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - not for security


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("registry_url")
    parser.add_argument("--prefix", required=True)
    for kind in ("steady", "mortal", "rivals", "newcomers"):
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--ttl", type=int, required=True, help="seconds")
    parser.add_argument("--interval", type=float, required=True, help="seconds")
    parser.add_argument("--journal", type=Path, default=Path(os.devnull))
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with options.journal.open("a") as output:
        asyncio.run(Fleet(options, JournalWriter(output)).live())


if __name__ == "__main__":
    main()
