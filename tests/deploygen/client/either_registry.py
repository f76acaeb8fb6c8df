"""The sync and the async client by one interface, so that each test tries both."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploygen.client import Agent, AsyncRegistry, Change, Registry


@dataclass(frozen=True)
class Watched:
    changes: Sequence[Change]
    agents: dict[str, Agent]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(change.kind.value, change.agent.agent_id) for change in self.changes]


class Sync:
    def call(self, url: str, name: str, /, *arguments: Any, **options: Any) -> Any:
        with Registry(url) as registry:
            return getattr(registry, name)(*arguments, **options)

    def watch(self, url: str, count: int, **filters: Any) -> Watched:
        """Watch until so many changes have come."""
        with Registry(url) as registry, registry.watch(**filters) as watch:
            changes = [next(watch) for _ in range(count)]
            return Watched(changes, dict(watch.agents))


class Async:
    def call(self, url: str, name: str, /, *arguments: Any, **options: Any) -> Any:
        async def call() -> Any:
            async with AsyncRegistry(url) as registry:
                return await getattr(registry, name)(*arguments, **options)

        return asyncio.run(call())

    def watch(self, url: str, count: int, **filters: Any) -> Watched:
        async def watch() -> Watched:
            async with AsyncRegistry(url) as registry, registry.watch(**filters) as watch:
                changes = [await anext(watch) for _ in range(count)]
                return Watched(changes, dict(watch.agents))

        return asyncio.run(watch())


Either = Sync | Async
