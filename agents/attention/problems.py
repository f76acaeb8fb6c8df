from dataclasses import dataclass

from agents.states import Described, Entry, Lease, Level, Probe, Status


@dataclass(frozen=True, kw_only=True)
class ProblemEntry(Entry):
    """`advice`: what to do about it."""

    advice: str


class Problem(Described):
    """The worst comes first. Those of the registry itself come before those of agents."""

    advice: str

    BROKER_DOWN = ProblemEntry(
        value="broker-down",
        level=Level.BAD,
        advice="Start the broker, or correct CELERY_BROKER_URL.",
    )
    SWEEP_OVERDUE = ProblemEntry(
        value="sweep-overdue",
        level=Level.BAD,
        advice="Check that the worker and beat are running.",
    )
    PURGE_HELD = ProblemEntry(
        value="purge-held",
        level=Level.HOLD,
        advice="Check the network between agents and registry. If the agents have ended, purge "
        "them.",
    )
    CHANNELS_FAILING = ProblemEntry(
        value="channels-failing",
        level=Level.WARN,
        advice="Send a test to the channel, and read the answer.",
    )
    EXPIRED = ProblemEntry(
        value=Lease.EXPIRED.value,
        level=Level.BAD,
        advice="Look at its host and its log. Its record is kept until it is purged.",
    )
    GONE = ProblemEntry(
        value="gone",
        level=Level.BAD,
        advice="Look at its host and its log, and start it again.",
    )
    UNREACHABLE = ProblemEntry(
        value=Probe.UNREACHABLE.value,
        level=Probe.UNREACHABLE.level,
        advice="Check its address, and the network between it and the registry.",
    )
    REFUSED = ProblemEntry(
        value="refused",
        level=Level.WARN,
        advice="Stop one of two processes with this id, or check its access token.",
    )
    RESTARTING = ProblemEntry(
        value="restarting",
        level=Level.WARN,
        advice="Read its log for why it ends. Quarantine it if its work suffers.",
    )
    NOT_READY = ProblemEntry(
        value=Probe.NOT_READY.value,
        level=Probe.NOT_READY.level,
        advice="Open its /health/ready, which says why.",
    )
    FLAPPING = ProblemEntry(
        value=Probe.FLAPPING.value,
        level=Probe.FLAPPING.level,
        advice="Check its load and its network. Drain it until it is steady.",
    )
    DEGRADED = ProblemEntry(
        value=Status.DEGRADED.value,
        level=Status.DEGRADED.level,
        advice="See its note. Drain it until it is well.",
    )
    EXPIRING_SOON = ProblemEntry(
        value=Lease.EXPIRING_SOON.value,
        level=Lease.EXPIRING_SOON.level,
        advice="Wait for its next heartbeat. If none comes, look at its host.",
    )

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Problem).index(self)
