"""Events that are held: until it is known whether they last, for a summary, or in quiet hours."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet

from agents.database.clock import DatabaseNow
from agents.history import feed
from agents.models import AgentEvent, AgentRecord, HeldEvent, Rule
from agents.notifications import messages
from agents.notifications.events import UNDOING, UNDONE_BY
from agents.notifications.outbox import Outbox
from agents.notifications.subjects import Subjects

MAX_RELEASED = 500  # of one pass

Why = HeldEvent.Why
Kind = AgentEvent.Kind


def due_events() -> QuerySet[HeldEvent]:
    return HeldEvent.objects.filter(due_at__lte=DatabaseNow())


def hold_while_lasting(rule: Rule, events: Sequence[AgentEvent]) -> None:
    lasting = timedelta(seconds=rule.for_seconds)
    HeldEvent.objects.bulk_create(
        [_held(rule, event, Why.LASTING, event.at + lasting) for event in events],
        ignore_conflicts=True,
    )


def admit(rule: Rule, events: Sequence[AgentEvent], now: datetime) -> Sequence[AgentEvent]:
    """Return the events if they are to be sent one by one now; otherwise hold them."""
    if not events:
        return events
    if (quiet_end := rule.quiet_end(now)) is not None:
        return _hold(rule, events, Why.QUIET, quiet_end)
    if rule.summary_above is None:
        return events
    due_at = rule.held.filter(why=Why.SUMMARY).values_list("due_at", flat=True).first()
    if due_at is not None:
        return _hold(rule, events, Why.SUMMARY, due_at)
    if rule.window_until is None or rule.window_until <= now:
        _open_window(rule, now, count=0)
    if rule.window_count + len(events) > rule.summary_above:
        return _hold(rule, events, Why.SUMMARY, rule.window_until or now)
    rule.window_count += len(events)
    rule.save(update_fields=["window_count"])
    return events


def release(rules: Mapping[int, Rule], outbox: Outbox) -> None:
    """Send what is due of the `rules`, by id; drop what is due of others."""
    due = HeldEvent.objects.filter(due_at__lte=outbox.now)
    due.exclude(rule_id__in=rules).delete()
    _release_lasting(rules, outbox)
    groups = due.exclude(why=Why.LASTING).order_by().values_list("rule_id", "why").distinct()
    for rule_id, why in groups:
        _release_group(rules[rule_id], why, outbox)


def _release_lasting(rules: Mapping[int, Rule], outbox: Outbox) -> None:
    due = HeldEvent.objects.filter(due_at__lte=outbox.now, why=Why.LASTING)
    held = list(due.order_by("number")[:MAX_RELEASED])
    if not held:
        return
    HeldEvent.objects.filter(pk__in=[one.pk for one in held]).delete()
    events = {one.pk: one for one in feed.numbered([one.number for one in held])}
    undone = _undone(events.values())
    lasting = {number: one for number, one in events.items() if number not in undone}
    subjects = Subjects.of(list(lasting.values()))
    for rule_id, rule in rules.items():
        numbers = [one.number for one in held if one.rule_id == rule_id]
        found = [lasting[number] for number in numbers if number in lasting]
        outbox.add(rule, admit(rule, found, outbox.now), subjects)


def _release_group(rule: Rule, why: str, outbox: Outbox) -> None:
    due = rule.held.filter(why=why, due_at__lte=outbox.now)
    kinds = dict(due.order_by("kind").values_list("kind").annotate(count=Count("pk")))
    numbers = due.order_by("number").values_list("number", flat=True)
    first = list(numbers[: messages.MOST_IN_SUMMARY])
    last: int = due.aggregate(last=Max("number"))["last"]
    events = feed.numbered(first)
    if len(first) == 1:
        outbox.add(rule, events, Subjects.of(events))
    else:
        message = messages.of_summary(events, kinds, outbox.now, rule.name, why)
        outbox.add_summary(rule, last, message)
    due.delete()
    if why == Why.SUMMARY:
        # Summarise what follows at once, too.
        _open_window(rule, outbox.now, count=rule.summary_above or 0)


def _undone(events: Collection[AgentEvent]) -> set[int]:
    """Return the numbers of events whose state did not last."""
    ids = {one.agent_id for one in events}
    begin = min((one.pk for one in events), default=0)
    later: dict[str, list[tuple[str, int]]] = {}
    for agent_id, kind, number in feed.later_kinds(ids, UNDOING, begin):
        later.setdefault(agent_id, []).append((kind, number))
    # Renewed so recently that the history does not have it yet.
    back = set(AgentRecord.objects.filter(pk__in=ids).alive().values_list("pk", flat=True))
    return {
        one.pk
        for one in events
        if (one.kind == Kind.EXPIRED and one.agent_id in back)
        or any(
            kind in UNDONE_BY.get(one.kind, ()) and number > one.pk
            for kind, number in later.get(one.agent_id, ())
        )
    }


def _open_window(rule: Rule, now: datetime, *, count: int) -> None:
    rule.window_until = now + timedelta(seconds=rule.summary_seconds)
    rule.window_count = count
    rule.save(update_fields=["window_until", "window_count"])


def _hold(
    rule: Rule, events: Sequence[AgentEvent], why: Why, due_at: datetime
) -> Sequence[AgentEvent]:
    held = [_held(rule, event, why, due_at) for event in events]
    HeldEvent.objects.bulk_create(held, ignore_conflicts=True)
    return []


def _held(rule: Rule, event: AgentEvent, why: Why, due_at: datetime) -> HeldEvent:
    return HeldEvent(
        rule=rule,
        number=event.pk,
        agent_id=event.agent_id,
        kind=event.kind,
        why=why,
        due_at=due_at,
    )
