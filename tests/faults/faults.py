"""The faults: each damages the test bed and repairs it as an operator or a supervisor would."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx

from tests.faults.bed import Bed
from tests.faults.journal import Cut
from tests.faults.machine import full
from tests.faults.probes import Lease, beat, check_calls, register, watched_calls
from tests.faults.programs import Program, kill_process
from tests.integration.registry_process import PROJECT
from tests.processes import descendants, wait_until

# An agent and how often it registers after the backup; the rate limit is 30 times a minute.
TWIN = "twin"
TWINS = 8


@dataclass(frozen=True)
class Fault:
    """`missing` returns what the bed lacks for the fault, or None.

    With `is_upgrade`, the fault needs its own bed with the code before the newest migration.
    """

    name: str
    title: str
    inject: Callable[[Bed], None]
    missing: Callable[[Bed], str | None] = lambda _bed: None
    is_upgrade: bool = False


def kill_web_worker(bed: Bed) -> None:
    """Gunicorn's master restarts it."""
    for child in descendants(bed.programs["web-1"].pid):
        kill_process(child)


def kill_web(bed: Bed) -> None:
    _kill_and_start(bed, "web-2", away=3)


def kill_worker(bed: Bed) -> None:
    _kill_and_start(bed, "worker", away=3)


def kill_beat(bed: Bed) -> None:
    _kill_and_start(bed, "beat", away=3)


def kill_redis(bed: Bed) -> None:
    bed.redis.kill()
    bed.redis.start()


def kill_postgres(bed: Bed) -> None:
    bed.cluster.kill()
    bed.cluster.start()


def kill_agents(bed: Bed) -> None:
    """They are purged when their leases end, and return."""
    bed.kill_fleet("doomed")
    wait_until(lambda: not bed.generations("doomed-"), "the purge of the dead", 60)
    bed.start_fleet("doomed", bed.size.doomed)


def stop_all_web(bed: Bed) -> None:
    """No web server runs for longer than any lease, and no agent is purged for it.

    Silence during that time does not count, so there is no hold either (except perhaps at first,
    before the outage is noticed).
    """
    before = bed.steady_leases()
    for name in ("web-1", "web-2"):
        bed.programs[name].kill()
    gone = time.time()
    bed.pause(bed.size.ttl + 4)
    swept, held = bed.held_by_last_sweep()
    back = time.time()
    bed.start_programs()
    bed.settle()
    assert swept > gone + bed.size.ttl, "no sweep while the web was away"
    assert held == 0, f"{held} agents were held, for an outage of the registry"
    _check_kept(before, bed.steady_leases())
    assert bed.turns_since(back) == [], "purging was held, or resumed, when the web was back"


def freeze_most_agents(bed: Bed) -> None:
    """More than half of the fleet is silent for longer than any lease, and is not purged.

    Events record that purging is held, and that it resumes.
    """
    before = bed.steady_leases()
    began = time.time()
    with _frozen([bed.fleets["doomed"]]):
        with _frozen([bed.fleets["main"]]):
            bed.pause(bed.size.ttl + 8)
            turns = bed.turns_since(began)
            held = bed.generations("")
        bed.pause(bed.size.interval)  # not all return at once
    bed.settle()
    assert turns == ["purge-held"], f"not one hold, but {turns}"
    _check_kept(before, held)
    wait_until(
        lambda: bed.turns_since(began) == ["purge-held", "purge-resumed"], "purging to go on", 30
    )
    _check_kept(before, bed.steady_leases())


def restart_postgres(bed: Bed) -> None:
    bed.cluster.stop_at_once()
    bed.pause(2)
    bed.cluster.start()


def freeze_postgres(bed: Bed) -> None:
    """Callers get 503 in time, and the web processes stay alive."""
    with watched_calls(bed) as calls:
        bed.pause(1)
        bed.cluster.freeze()
        frozen = time.time()  # until now some calls were still answered
        try:
            bed.pause(20)
        finally:
            thawed = time.time()
            bed.cluster.thaw()
    check_calls(calls, frozen, thawed)


def lose_redis(bed: Bed) -> None:
    bed.redis.kill()
    bed.pause(60)
    bed.redis.start()


def fill_disk(bed: Bed) -> None:
    """PostgreSQL may report the full disk or crash; it is restarted once there is space."""
    assert bed.disk is not None
    began = time.time()
    with full(bed.disk):
        wait_until(lambda: bed.has_failed_since(began), "a call that fails")
        bed.pause(8)
    if bed.cluster.is_running:
        with suppress(AssertionError):
            wait_until(bed.is_ready, "the database again", 10)
            return
    bed.cluster.kill()
    bed.cluster.start()


def set_clock(bed: Bed) -> None:
    for seconds in (3600, -3600, 0):
        bed.clock.set(seconds)
        # A connection may reach either web server.
        wait_until(lambda: abs(bed.clock_shown() - seconds) < 5, "an answer with the wrong time")  # noqa: B023
        bed.pause(8)


def cut_network_briefly(bed: Bed) -> None:
    """No agent loses its lease."""
    before = bed.generations("remote-")
    with _network_cut(bed):
        bed.pause(4)
    bed.settle()
    assert bed.generations("remote-") == before, "agents registered again"


def cut_network(bed: Bed) -> None:
    """Unreachable agents are purged, and register again."""
    with _network_cut(bed):
        wait_until(lambda: not bed.generations("remote-"), "the purge of the unreachable", 60)


def run_two_beats(bed: Bed) -> None:
    twin = bed.program("beat-2", bed.programs["beat"].argv)
    twin.start()
    bed.pause(12)
    twin.check()
    twin.stop()


def restore_backup(bed: Bed) -> None:
    """The database is lost, and restored from a backup before the latest registrations.

    The steps are those of docs/operations.md.
    """
    backup = bed.folder / "registry.dump"
    bed.journal.forgotten_from = time.time()
    bed.cluster.run("pg_dump", "--format=custom", f"--file={backup}")
    forgotten = [register(bed, TWIN) for _ in range(TWINS)]
    bed.kill_fleet("doomed")
    bed.start_fleet("doomed", bed.size.doomed)
    bed.pause(4)
    for program in bed.programs.values():
        program.request_stop()
    for program in bed.programs.values():
        program.stop()
    bed.cluster.run("psql", "--quiet", "--command=DROP SCHEMA public CASCADE")
    bed.cluster.run("psql", "--quiet", "--command=CREATE SCHEMA public")
    bed.cluster.run("pg_restore", "--no-owner", "--exit-on-error", str(backup))
    bed.manage("after_restore")
    bed.journal.forgotten_until = time.time()
    with _frozen(list(bed.fleets.values())):  # or they would take the generations in question
        bed.start_programs()
        bed.wait_until_ready()
        _check_one_holder(bed, forgotten)


def _check_one_holder(bed: Bed, forgotten: list[Lease]) -> None:
    """Register an id again whose earlier leases are lost: only the new lease is valid.

    Repeat until the new generation exceeds all lost ones, so that none is reused.
    """
    newest = register(bed, TWIN)
    while True:
        for old in forgotten:
            status = beat(bed, TWIN, old)
            problem = f"{old.generation} is held as well as {newest.generation}: {status}"
            assert status in {404, 409}, f"{TWIN}: {problem}"
        if newest.generation > forgotten[-1].generation:
            break
        newest = register(bed, TWIN)
    assert beat(bed, TWIN, newest) == httpx.codes.OK


def upgrade(bed: Bed) -> None:
    """Migrate while the old code serves; then replace the programs one by one."""
    bed.code = PROJECT
    bed.manage("migrate", "--verbosity=0")
    bed.pause(5)
    for name, argv in bed.commands().items():
        bed.programs[name].stop()
        bed.programs[name] = bed.program(name, argv)
        bed.programs[name].start()
        bed.pause(4)


def _check_kept(before: dict[str, int], after: dict[str, int]) -> None:
    """Fail if any of these leases ended, even if a new one replaced it."""
    lost = [key for key, generation in before.items() if after.get(key) != generation]
    assert not lost, f"{len(lost)} leases ended, such as that of {lost[0]}"


def _kill_and_start(bed: Bed, name: str, away: float) -> None:
    bed.programs[name].kill()
    bed.pause(away)
    bed.programs[name].start()


@contextmanager
def _frozen(programs: list[Program]) -> Iterator[None]:
    for program in programs:
        program.freeze()
    try:
        yield
    finally:
        for program in programs:
            program.thaw()


@contextmanager
def _network_cut(bed: Bed) -> Iterator[None]:
    assert bed.network is not None
    begin = time.time()
    bed.network.cut()
    try:
        yield
    finally:
        bed.network.mend()
        bed.journal.cuts.append(Cut("remote-", begin, time.time(), bed.size.interval))


def _without_network(bed: Bed) -> str | None:
    return None if bed.network else "it needs root, iproute2, and permission to create a network"


def _without_small_disk(bed: Bed) -> str | None:
    return None if bed.disk else "it needs root, and permission to mount a small disk"


def _without_compiler(bed: Bed) -> str | None:
    return None if bed.clock.is_possible else "it needs Linux and a C compiler (Debian: gcc)"


FAULTS = [
    Fault("web-worker", "kill -9 of a web process", kill_web_worker),
    Fault("web", "kill -9 of a web server, master and all", kill_web),
    Fault("worker", "kill -9 of the worker", kill_worker),
    Fault("beat", "kill -9 of beat", kill_beat),
    Fault("redis", "kill -9 of Redis", kill_redis),
    Fault("postgres", "kill -9 of PostgreSQL", kill_postgres),
    Fault("agents", "kill -9 of a part of the fleet", kill_agents),
    Fault("all-web", "no web server for longer than a TTL", stop_all_web),
    Fault("most-silent", "most agents frozen for more than a TTL", freeze_most_agents),
    Fault("postgres-restart", "PostgreSQL restarted, immediate", restart_postgres),
    Fault("postgres-frozen", "PostgreSQL frozen for 20 s", freeze_postgres),
    Fault("redis-away", "Redis gone for 60 s", lose_redis),
    Fault("disk-full", "the disk of PostgreSQL full", fill_disk, _without_small_disk),
    Fault("clock", "the clock of one web server 1 h ahead, 1 h back", set_clock, _without_compiler),
    Fault("cut-brief", "network cut for less than a TTL", cut_network_briefly, _without_network),
    Fault("cut", "network cut for more than a TTL", cut_network, _without_network),
    Fault("two-beats", "two beats at once", run_two_beats),
    Fault("restore", "database lost, an older backup restored", restore_backup),
    Fault("upgrade", "a migration while serving, then new code", upgrade, is_upgrade=True),
]
