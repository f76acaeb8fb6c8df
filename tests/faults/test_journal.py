from pathlib import Path

from tests.faults.journal import Ask, JournalFile, JournalWriter, Outcome


def test_what_is_written_is_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    reader = JournalFile(path)
    reader.catch_up()  # it is not there yet
    with path.open("a") as output:
        writer = JournalWriter(output)
        life = writer.born("a", 10)
        call = writer.sent(life, Ask.REGISTER, None)
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
    assert (done.ask, done.outcome, done.generation, done.beat) == ("register", "done", 7, 3.5)
    assert read.born <= done.sent <= (done.ended or 0) <= read.died


def test_when_its_process_is_killed_all_its_agents_die(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("a") as output:
        writer = JournalWriter(output)
        dead, living = writer.born("a", 10), writer.born("b", 10)
        writer.died(dead)
    reader = JournalFile(path)

    reader.all_died(99e9)

    assert (reader.lives[dead].died or 0) < 99e9
    assert reader.lives[living].died == 99e9
