from collections.abc import Collection
from functools import partial

from django.conf import settings
from django.db import models
from django.db.models import CharField, Q

from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.models.limits import MAX_ID_LENGTH, MAX_REASON_LENGTH
from agents.states import Probe

FAILS = [verdict.value for verdict in Probe if not verdict.takes_work]


class AgentProbe(models.Model):
    """When an agent is probed next, and the results so far. Only `agents.probes` writes it.

    Apart from the agent, since heartbeats would rewrite it. No foreign key: see AgentRecord.
    """

    agent_id = models.CharField(primary_key=True, max_length=MAX_ID_LENGTH)
    generation = models.BigIntegerField(
        help_text="Of the registration that was probed. With another one, probing starts afresh."
    )
    due_at = models.DateTimeField(help_text="When it is probed next.")
    probed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=16, choices=Probe, default=Probe.NOT_PROBED)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    successes = models.PositiveIntegerField(default=0, help_text="In a row.")
    falls = models.PositiveIntegerField(
        default=0, help_text="How often it has failed lately, see `fell_at`."
    )
    fell_at = models.DateTimeField(null=True, help_text="When it was last found to fail.")

    class Meta:
        verbose_name = "probe"
        indexes = [
            models.Index(fields=["due_at"], name="probe_due"),
            # Few agents fail, and picks look for those.
            models.Index(
                fields=["verdict"],
                condition=Q(verdict__in=FAILS),
                name="probe_fails",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.verdict}"


class ProbeMark(models.Model):
    """State shared by all workers, in one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(help_text="When a worker last looked for agents to probe.")
    left = models.FloatField(help_text="How many probes of the budget were left then.")
    total = models.PositiveBigIntegerField(default=0, help_text="How many probes there have been.")
    looked_at = models.DateTimeField(help_text="When the whole fleet was last looked at.")
    look_seconds = models.FloatField(default=0, help_text="How long that took.")
    verdicts = models.JSONField(default=dict, help_text="Numbers of agents by verdict.")
    is_doubted = models.BooleanField(
        default=False, help_text="Whether so many agents fail that no verdict is believed."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="probe_mark_is_a_single_row")]

    def __str__(self) -> str:
        return f"probed at {self.at}"


# Verdicts count while workers go on probing.
AT_WORK_SECONDS = 60


def _are_believed() -> str:
    earliest, latest = dialect.now_plus(f"-{AT_WORK_SECONDS}"), dialect.now_plus("10")
    return (
        f"EXISTS (SELECT 1 FROM {ProbeMark._meta.db_table} AS mark"  # noqa: S608
        f" WHERE NOT mark.is_doubted AND mark.at BETWEEN {earliest} AND {latest})"
    )


def probed(column: str, agent_id: str, generation: str) -> str:
    """Return SQL for a column of an agent's probe; NULL if nothing is known."""
    if settings.PROBE_NETWORKS is None:
        return "NULL"
    return (
        f"(SELECT {column} FROM {AgentProbe._meta.db_table} AS probe"  # noqa: S608
        f" WHERE probe.agent_id = {agent_id} AND probe.generation = {generation}"
        f" AND {_are_believed()})"
    )


def verdict_sql(agent_id: str, generation: str) -> str:
    return f"COALESCE({probed('verdict', agent_id, generation)}, '{Probe.NOT_PROBED}')"


class _OfProbe(Fragment):
    arity = 2

    def __init__(self) -> None:
        super().__init__("agent_id", "generation")


class ProbeVerdict(_OfProbe):
    """A word of `Probe` for each agent."""

    fragment = staticmethod(verdict_sql)
    output_field = CharField()


class ProbeReason(_OfProbe):
    fragment = staticmethod(partial(probed, "reason"))
    output_field = CharField()


class ProbedAt(_OfProbe):
    fragment = staticmethod(partial(probed, "probed_at"))
    output_field = models.DateTimeField()


class ProbeFinds(_OfProbe):
    """Whether a verdict is one of these, by one look at those that have it."""

    output_field = models.BooleanField()

    def __init__(self, verdicts: Collection[str]) -> None:
        super().__init__()
        self._words = ", ".join(f"'{Probe(verdict)}'" for verdict in verdicts)

    def fragment(self, agent_id: str, generation: str) -> str:
        if settings.PROBE_NETWORKS is None:
            return "FALSE"
        return (
            f"(({agent_id}, {generation}) IN"  # noqa: S608
            f" (SELECT agent_id, generation FROM {AgentProbe._meta.db_table}"
            f" WHERE verdict IN ({self._words}) AND {_are_believed()}))"
        )
