"""Agents of events, as they are now or were last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.discovery.filters import Filters
from agents.discovery.watch.gone import matching
from agents.history import feed
from agents.models import AgentEvent, AgentRecord
from agents.notifications.events import DELETIONS
from agents.serializers.agent_texts import read_texts


@dataclass(frozen=True)
class Subjects:
    """`living`: their JSON by id. `records`: the last ones of others, by event."""

    living: Mapping[str, str]
    records: Mapping[int, Mapping[str, Any]]

    @classmethod
    def of(cls, events: Sequence[AgentEvent]) -> "Subjects":
        ends = feed.last_records([one.pk for one in events if one.kind in DELETIONS])
        ids = {one.agent_id for one in events if one.agent_id and one.pk not in ends}
        living = read_texts(AgentRecord.objects.filter(pk__in=ids), len(ids)) if ids else {}
        gone = feed.last_records_of(ids - living.keys())
        others = {one.pk: gone[one.agent_id] for one in events if one.agent_id in gone}
        return cls(living, {**others, **ends})

    def matching(self, filters: Filters, events: Sequence[AgentEvent]) -> list[AgentEvent]:
        """Raise ValidationError if the agents have too many versions."""
        records = {one.pk: self.records[one.pk] for one in events if one.pk in self.records}
        ids = {one.agent_id for one in events if one.pk not in records}
        found = filters.apply(AgentRecord.objects.filter(pk__in=ids)) if ids else None
        living = set() if found is None else set(found.values_list("pk", flat=True))
        ended = _matching_records(filters, records)
        return [one for one in events if one.pk in ended or one.agent_id in living]

    def agent(self, event: AgentEvent) -> Mapping[str, Any] | None:
        if event.pk in self.records:
            return self.records[event.pk]
        text = self.living.get(event.agent_id)
        agent: Mapping[str, Any] | None = None if text is None else json.loads(text)
        return agent


def _matching_records(filters: Filters, records: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """The database knows versions of living agents only, so ranges are compared here."""
    versions = filters.values.get("version", ())
    if any(not isinstance(one, str) for one in versions):
        records = {
            number: record
            for number, record in records.items()
            if any(_has(record.get("version", ""), one) for one in versions)
        }
        others = {name: values for name, values in filters.values.items() if name != "version"}
        filters = replace(filters, values=others)
    return matching(filters, records)


def _has(version: str, wanted: Any) -> bool:
    return version == wanted if isinstance(wanted, str) else bool(wanted.contains(version))
