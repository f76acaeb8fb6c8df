"""The list of what needs attention, of agents and of the registry itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from agents.admin.agents.held_purge import HeldPurge
from agents.admin.dashboard.health import Trouble
from agents.admin.widgets import cells
from agents.admin.widgets.times import moment
from agents.attention import Concern, Finding, Problem, active_mutes, without_muted
from agents.models import Mute

# More of one problem are counted.
MOST_OF_A_PROBLEM = 5
AGENTS, EVENTS = "admin:agents_agentrecord_changelist", "admin:agents_agentevent_changelist"


@dataclass(frozen=True)
class Row:
    concern: Concern
    now: datetime

    @property
    def worst(self) -> Finding:
        return self.concern.worst

    @property
    def url(self) -> str:
        if self.concern.agent_id:
            return cells.agent_url(self.concern.agent_id)
        return _places()[self.worst.problem]

    @property
    def mute_url(self) -> str:
        problems = [("problem", str(one.problem)) for one in self.concern.findings]
        query = urlencode([("agent", self.concern.agent_id), *problems])
        return f"{reverse('admin:agents_mute_add')}?{query}"

    @property
    def age(self) -> SafeString | str:
        return moment(self.worst.at, self.now) if self.worst.at else ""


@dataclass(frozen=True)
class Group:
    """Rows with the same worst problem; `more` of them are not shown."""

    problem: Problem
    rows: Sequence[Row]
    more: int

    @property
    def url(self) -> str:
        return _places()[self.problem]


@dataclass(frozen=True)
class Attention:
    """`mutes`: all that last."""

    groups: Sequence[Group]
    mutes: Sequence[Mute]

    @property
    def count(self) -> int:
        return sum(len(group.rows) + group.more for group in self.groups)

    @property
    def in_words(self) -> str:
        """For screen readers."""
        if not self.groups:
            return ""
        first = self.groups[0].rows[0].concern.agent_id or "the registry"
        return f"Needs attention: {self.count:,}, first {first}, {self.groups[0].problem.words}"

    @property
    def parts(self) -> tuple[object, ...]:
        """What it shows, without ages."""
        concerns = [row.concern for group in self.groups for row in group.rows]
        return concerns, [group.more for group in self.groups], len(self.mutes)


def attention(
    concerns: Iterable[Concern],
    troubles: Iterable[Trouble],
    held: HeldPurge | None,
    now: datetime,
) -> Attention:
    mutes = active_mutes()
    muted = {(mute.agent_id, mute.problem) for mute in mutes}
    shown = without_muted([*_of_registry(troubles, held), *concerns], muted)
    groups = []
    for problem, alike in groupby(shown, key=lambda concern: concern.worst.problem):
        rows = [Row(concern, now) for concern in alike]
        left_out = max(len(rows) - MOST_OF_A_PROBLEM, 0)
        groups.append(Group(problem, rows[:MOST_OF_A_PROBLEM], left_out))
    return Attention(groups, mutes)


def _of_registry(troubles: Iterable[Trouble], held: HeldPurge | None) -> list[Concern]:
    findings = [Finding(trouble.problem, trouble.text, trouble.since) for trouble in troubles]
    if held is not None:
        are = "is" if held.expired == 1 else "are"
        text = (
            f"{held.silent:,} of {held.fleet:,} agents fell silent at once, which is probably a "
            f"network problem; {cells.counted(held.expired, 'expired agent')} {are} not listed, "
            f"but can come back for another {held.time_left}"
        )
        findings.append(Finding(Problem.PURGE_HELD, text, held.since))
    return [Concern("", [finding]) for finding in findings]


def _places() -> dict[Problem, str]:
    """Return where all with a problem are listed."""
    agents, events = reverse(AGENTS), reverse(EVENTS)
    gone = f"{reverse('admin:agents_agentrecord_gone')}?how=died&within=day"
    health = f"{reverse('admin:index')}#health"
    return {
        Problem.BROKER_DOWN: health,
        Problem.SWEEP_OVERDUE: health,
        Problem.PURGE_HELD: f"{agents}?liveness=expired",
        Problem.CHANNELS_FAILING: reverse("admin:agents_channel_changelist"),
        Problem.EXPIRED: f"{agents}?liveness=expired",
        Problem.GONE: gone,
        Problem.REFUSED: f"{events}?kind__exact=refused",
        Problem.RESTARTING: f"{events}?kind__exact=re-registered",
        Problem.EXPIRING_SOON: f"{agents}?liveness=expiring-soon",
        **{
            problem: f"{agents}?condition={problem}"
            for problem in (
                Problem.UNREACHABLE,
                Problem.NOT_READY,
                Problem.FLAPPING,
                Problem.DEGRADED,
            )
        },
    }
