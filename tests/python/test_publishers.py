"""Whatever happens to a publisher, readers see one complete publication."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import duckdb
import publishers
import pytest
from publishers import (
    build_of,
    current,
    digest,
    digests,
    ended,
    leftovers,
    name,
    names,
    numbers_in,
    numbers_in_parquet,
    publish_builds,
)

from clientele.publishing import copies, folders


@pytest.fixture
def three(tmp_path):
    """A folder with three publications, and the leftovers of a publisher that was killed."""
    folder = tmp_path / "three"
    publish_builds([1, 2, 3], tmp_path / "small.duckdb", folder)
    (folder / ".20260101T000900Z-00000009.tmp").mkdir()
    (folder / ".20260101T000900Z-00000009.tmp/clientele.duckdb").write_text("half")
    (folder / ".current.tmp").symlink_to("nowhere")
    return folder


def check_current(folder, was):
    """Whatever has a name is complete; returns the number of the current build."""
    for publication in names(folder):
        assert publication == name(4) or digest(folder / publication) == was[publication]
    (number,) = numbers_in(current(folder))
    assert numbers_in_parquet(current(folder)) == {number}
    assert number in (3, 4)
    return number


def check_next(folder, build, database, was):
    """The next publication succeeds and leaves nothing behind."""
    folders.publish(build, database, folder, kept=2)
    assert numbers_in(current(folder)) == numbers_in_parquet(current(folder)) == {4}
    assert digest(folder / name(3)) == was[name(3)]
    assert names(folder) == [name(3), name(4)] and leftovers(folder) == []


def check_after(folder, build, database, was):
    check_current(folder, was)
    check_next(folder, build, database, was)


def test_everything_is_on_the_disk_before_it_has_its_name(database, folder, monkeypatch):
    """What a machine that loses its power needs, and no test can do to it."""
    happened = []

    def recorded(call):
        real = getattr(os, call)

        def record(*arguments):
            if call == "fsync":
                happened.append(os.readlink(f"/proc/self/fd/{arguments[0]}"))
            else:
                happened.append(call)
            return real(*arguments)

        monkeypatch.setattr(os, call, record)

    for call in ("fsync", "rename", "replace"):
        recorded(call)
    publish_builds([1], database, folder)
    temporary = folder / f".{name(1)}.tmp"
    files = {str(temporary / path.name) for path in (folder / name(1)).iterdir()}
    renamed = happened.index("rename")
    assert set(happened[: renamed - 1]) == files
    assert happened[renamed - 1 :] == [
        str(temporary),
        "rename",
        str(folder),
        "replace",
        str(folder),
    ]


def test_a_publisher_killed_at_any_step_leaves_a_whole_publication(
    processes, three, database, tmp_path
):
    was, build = digests(three), build_of(4, database)
    current_numbers, states, exit_code, step = [], set(), None, 0
    while exit_code != 0:
        step += 1
        folder = tmp_path / f"killed_{step}"
        shutil.copytree(three, folder, symlinks=True)
        process = processes.start(
            publishers.publish_until, step, signal.SIGKILL, build, database, folder, 2
        )
        exit_code = ended(process)
        assert exit_code in (0, -signal.SIGKILL)
        current_numbers.append(check_current(folder, was))
        # The next publisher meets the same names after many steps; it need be tried once for each.
        state = current(folder).readlink(), *sorted(folder.rglob("*"))
        state = tuple(str(path).removeprefix(str(folder)) for path in state)
        if state not in states:
            check_next(folder, build, database, was)
            states.add(state)
        shutil.rmtree(folder)
    # Before the switch the old build is current, from then on the new one.
    assert current_numbers == sorted(current_numbers) and set(current_numbers) == {3, 4}
    assert len(current_numbers) > 100 and len(states) > 10


def test_a_publisher_killed_at_any_time_leaves_a_whole_publication(
    processes, three, database, tmp_path
):
    was, build = digests(three), build_of(4, database, rows=300_000)
    begin = time.monotonic()
    folders.publish(build, database, tmp_path / "timed", kept=5)
    duration, chance, killed = time.monotonic() - begin, random.Random(1), 0
    for attempt in range(20):
        folder = tmp_path / f"killed_{attempt}"
        shutil.copytree(three, folder, symlinks=True)
        process = processes.start(publishers.publish_until, 0, 0, build, database, folder, 2)
        time.sleep(chance.uniform(0, duration))
        process.kill()
        killed += ended(process) == -signal.SIGKILL
        check_after(folder, build, database, was)
        shutil.rmtree(folder)
    assert killed > 5


def test_two_publishers_do_not_meet(processes, three, database, tmp_path):
    build = build_of(4, database)
    process = processes.start(
        publishers.publish_until, 60, signal.SIGSTOP, build, database, three, 5
    )
    while not Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].startswith(" T"):
        assert process.is_alive()
        time.sleep(0.01)
    held = leftovers(three)
    assert len(held) == 1
    with pytest.raises(OSError, match="another publisher is at work"):
        folders.publish(build, database, three, kept=5)
    with pytest.raises(OSError, match="another publisher is at work"):
        folders.roll_back(three)
    assert leftovers(three) == held and numbers_in(current(three)) == {3}
    os.kill(process.pid, signal.SIGCONT)
    assert ended(process) == 0
    assert numbers_in(current(three)) == {4} and leftovers(three) == []


# Of two copies one may be a block shorter, which is an eighth of it.
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.8])
def test_a_full_disk_leaves_what_was_published(processes, three, database, tmp_path, share):
    """Files that may not grow stand for a disk that is full: the write fails the same way."""
    was, build = digests(three), build_of(4, database, rows=300_000)
    folders.publish(build, database, tmp_path / "roomy", kept=5)
    size = int(share * (tmp_path / "roomy/current" / copies.DATABASE).stat().st_size)
    said = processes.Queue()
    process = processes.start(
        publishers.publish_with_little_space, size, build, database, three, said
    )
    message = said.get(timeout=60)
    assert ended(process) == 0
    assert "could not publish" in message, message
    assert numbers_in(current(three)) == {3} and leftovers(three) == []
    assert names(three) == [name(1), name(2), name(3)]
    check_after(three, build, database, was)


@pytest.mark.parametrize("call", ["fsync", "rename", "symlink", "replace", "chmod", "mkdir"])
def test_a_call_that_finds_the_disk_full_leaves_what_was_published(
    three, database, call, monkeypatch
):
    was, build = digests(three), build_of(4, database)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(OSError, match="No space left"):
            folders.publish(build, database, three, kept=2)
    # Without a link to it, one that is written already does no harm.
    assert digests(three).items() >= was.items() and numbers_in(current(three)) == {3}
    check_after(three, build, database, was)


def test_copies_that_are_not_as_the_original_are_not_published(three, database, monkeypatch):
    """A Parquet file that lost its rows on the way."""
    was, build = digests(three), build_of(4, database)

    class Connection(publishers.Connection):
        def execute(self, sql, *arguments):
            if sql.startswith('copy published.marts."fct_orders"'):
                sql = sql.replace(" to ", " to ", 1).replace(
                    'published.marts."fct_orders"',
                    '(from published.marts."fct_orders" where order_id > 0)',
                )
            return self.real.execute(sql, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(duckdb, "connect", Connection)
        with pytest.raises(ValueError, match="fct_orders has 50 rows, but its copies"):
            folders.publish(build, database, three, kept=2)
    assert leftovers(three) == []
    check_after(three, build, database, was)


# -- Other processes at work


def test_a_database_that_is_being_built_is_refused(processes, database, folder):
    build = build_of(1, database)
    opened, over = processes.Event(), processes.Event()
    builder = processes.start(publishers.hold, database, opened, over)
    opened.wait()
    with pytest.raises(OSError, match="cannot be read, is it being built?"):
        folders.publish(build, database, folder, kept=5)
    over.set()
    assert ended(builder) == 0
    assert names(folder) == leftovers(folder) == []


def test_readers_in_a_loop_see_no_error_and_no_mixed_build(processes, database, folder):
    publish_builds([1], database, folder)
    done, readers = processes.Event(), []
    for read in (numbers_in, numbers_in, numbers_in_parquet):
        counted, seen = processes.Value("i", 0), processes.Array("i", 60)
        process = processes.start(
            publishers.read_in_a_loop, current(folder), read, done, counted, seen
        )
        readers.append((process, counted, seen))
    for number in range(2, 52):
        begun = [counted.value for _, counted, _ in readers]
        publish_builds([number], database, folder, kept=5)
        # Each reader has started again since, so that it has seen every publication.
        for (process, counted, _), count in zip(readers, begun, strict=True):
            while counted.value < count + 2 and process.is_alive():
                time.sleep(0.001)
    done.set()
    assert [ended(process) for process, _, _ in readers] == [0, 0, 0]
    for _, counted, seen in readers:
        assert counted.value >= 100
        assert sum(seen) >= 50
    assert len(names(folder)) == 5


def test_a_reader_that_holds_an_old_file_keeps_what_it_saw(processes, database, folder):
    folders.publish(build_of(1, database, rows=500_000), database, folder, kept=1)
    with duckdb.connect(str(current(folder) / copies.DATABASE), read_only=True) as old:
        assert old.execute("select count(*) from marts.publications").fetchall() == [(1,)]
        publish_builds([2, 3], database, folder, kept=1)
        assert names(folder) == [name(2), name(3)]
        # Its file has no name any more; what it had not read yet is still there.
        orders = "select min(build), max(build), sum(order_id) from marts.fct_orders"
        assert old.execute(orders).fetchall() == [(1, 1, 500_000 * 499_999 // 2)]
        lines = "select distinct build from marts.fct_order_lines"
        assert old.execute(lines).fetchall() == [(1,)]
    assert numbers_in(current(folder)) == {3}
