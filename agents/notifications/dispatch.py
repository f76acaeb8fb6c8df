"""Applies the rules to new events, in one process at a time: the one with the mark's lock."""

import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists
from rest_framework.exceptions import ValidationError

from agents.database.clock import database_now
from agents.history import feed
from agents.log_limits import LogLimit
from agents.models import AgentEvent, DispatchMark, Rule
from agents.notifications import holding
from agents.notifications.filters import InvalidFilter, parse_filter
from agents.notifications.outbox import Outbox
from agents.notifications.subjects import Subjects

logger = logging.getLogger("agents.notifications")

MAX_EVENTS = 200  # of one transaction

_limit = LogLimit(60.0)


def dispatch() -> bool:
    """Apply the rules to the next events, and send held ones; return whether more are left.

    One transaction writes the position and the messages.
    """
    if not _has_work():
        return False
    end = feed.settled_position()
    if end is None:
        return False
    with transaction.atomic():
        mark = DispatchMark.objects.select_for_update(skip_locked=True).first()
        if mark is None:
            return False
        until = feed.position_after(MAX_EVENTS, after=mark.position, until=end)
        rules = list(Rule.objects.filter(is_enabled=True).prefetch_related("channels"))
        outbox = Outbox(database_now())
        if until > mark.position:
            _apply(rules, mark.position, until, outbox)
            DispatchMark.objects.update(position=until)
        is_behind = until < end
        if not is_behind:
            # Whether a state has lasted is known when all events until now are read.
            holding.release({rule.pk: rule for rule in rules}, outbox)
        outbox.write()
    return is_behind or holding.due_events().exists()


def _has_work() -> bool:
    mark = DispatchMark.objects.annotate(is_due=Exists(holding.due_events())).first()
    if mark is None:
        current_position()
        return False
    is_due: bool = mark.is_due
    return is_due or feed.newest_position() > mark.position


def current_position() -> int:
    mark = DispatchMark.objects.first()
    if mark is None:
        first = DispatchMark(position=feed.newest_position())
        DispatchMark.objects.bulk_create([first], ignore_conflicts=True)
        return first.position
    return mark.position


def seconds_behind() -> float | None:
    """Return the age of the oldest event that rules have not been applied to, or None."""
    mark = DispatchMark.objects.first()
    return None if mark is None else feed.seconds_behind(mark.position)


def next_position() -> int:
    """Return where a new rule begins."""
    current_position()
    return feed.newest_position()


def _apply(rules: Sequence[Rule], after: int, until: int, outbox: Outbox) -> None:
    kinds = {kind for rule in rules for kind in rule.events}
    events = list(feed.between(after, until).filter(kind__in=kinds).defer("record"))
    if not events:
        return
    subjects = Subjects.of(events)
    for rule in rules:
        matched = _matching(rule, events, subjects)
        if rule.for_seconds:
            holding.hold_while_lasting(rule, matched)
        else:
            outbox.add(rule, holding.admit(rule, matched, outbox.now), subjects)


def _matching(rule: Rule, events: Sequence[AgentEvent], subjects: Subjects) -> Sequence[AgentEvent]:
    found = [one for one in events if one.kind in rule.events and one.pk > rule.begins_after]
    if not found or not rule.filter:
        return found
    try:
        return subjects.matching(parse_filter(rule.filter), [one for one in found if one.agent_id])
    except (InvalidFilter, ValidationError) as error:
        more = _limit.pass_line(str(rule.pk))
        if more is not None:
            logger.error("the rule “%s” cannot be applied: %s%s", rule, error, more)  # noqa: TRY400
        return []
