from pathlib import Path

import pytest

from tests.faults.journal import (
    Action,
    Cut,
    Journal,
    JournalFile,
    JournalWriter,
    Life,
    Outcome,
)


def test_a_journal_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    reader = JournalFile(path)
    reader.catch_up()  # the file does not exist yet
    with path.open("a") as output:
        writer = JournalWriter(output)
        life = writer.born("a", 10)
        call = writer.sent(life, Action.REGISTER, None)
        reader.catch_up()
        under_way = reader.lives[life].calls[0]
        assert under_way.outcome is Outcome.IN_DOUBT
        assert under_way.ended is None

        writer.ended(call, Outcome.DONE, generation=7, beat=3.5)
        writer.died(life)
        output.write('{"what": "born", half a li')
        output.flush()
        reader.catch_up()

    (read,) = reader.lives.values()
    assert (read.agent_id, read.ttl, read.beats) == ("a", 10, True)
    assert read.died is not None
    (done,) = read.calls
    assert (done.action, done.outcome, done.generation, done.beat) == ("register", "done", 7, 3.5)
    assert read.born <= done.sent <= (done.ended or 0) <= read.died


def test_killing_a_process_ends_all_its_agents(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("a") as output:
        writer = JournalWriter(output)
        dead, living = writer.born("a", 10), writer.born("b", 10)
        writer.died(dead)
    reader = JournalFile(path)

    reader.all_died(99e9)

    assert (reader.lives[dead].died or 0) < 99e9
    assert reader.lives[living].died == 99e9


@pytest.mark.parametrize(
    ("beat", "purged", "was_cut"),
    [
        pytest.param(100, 112, True, id="as the cut began"),
        pytest.param(97, 109, True, id="an interval before the cut"),
        pytest.param(96.5, 108.5, True, id="and its next heartbeat was late"),
        pytest.param(95, 107, False, id="the next heartbeat was before the cut"),
        pytest.param(120, 132, True, id="it would have been due at the end of the cut"),
        pytest.param(125, 137, False, id="the cut had ended long before"),
        pytest.param(200, 212, False, id="renewed after the cut"),
        pytest.param(50, 62, False, id="purged before the cut"),
    ],
)
def test_only_an_agent_unreachable_since_its_last_renewal_was_cut(
    beat: float, purged: float, was_cut: bool
) -> None:
    journal = Journal(cuts=[Cut("far-", begin=100, end=130, interval=3)])

    assert journal.was_cut(Life("far-1", 12, born=0), beat, purged) is was_cut
    assert not journal.was_cut(Life("near-1", 12, born=0), beat, purged)
