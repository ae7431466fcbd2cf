"""Which publications stay, which one is current, and which databases are refused."""

import os
import shutil
from dataclasses import replace
from functools import partial

import duckdb
import publishers
import pytest
from publishers import (
    build_of,
    current,
    digest,
    digests,
    leftovers,
    name,
    names,
    numbers_in,
    publish_builds,
)

from clientele.publishing import folders


def test_the_last_publications_stay_and_each_knows_the_one_before(database, folder):
    publish_builds(range(1, 6), database, folder, kept=3)
    assert names(folder) == [name(3), name(4), name(5)]
    assert [row["previous_build_id"] for row in folders.publications(folder)] == [
        name(4),
        name(3),
        name(2),
    ]
    assert leftovers(folder) == []
    # However few are to stay, there is one to go back to.
    publish_builds([6], database, folder, kept=1)
    assert names(folder) == [name(5), name(6)]


def test_an_older_build_published_later_stays_with_what_it_replaced(database, folder):
    publish_builds([4, 5, 6, 1], database, folder, kept=1)
    assert names(folder) == [name(1), name(6)]
    assert numbers_in(current(folder)) == {1}


def test_rollback_goes_back_one_by_one_or_to_the_one_named(database, folder):
    publish_builds([1, 2, 3], database, folder)
    whole = digests(folder)
    assert folders.roll_back(folder) == name(2) and numbers_in(current(folder)) == {2}
    assert folders.roll_back(folder) == name(1) and numbers_in(current(folder)) == {1}
    with pytest.raises(ValueError, match=f"{name(1)} replaced no other publication"):
        folders.roll_back(folder)
    assert folders.roll_back(folder, name(3)) == name(3) and numbers_in(current(folder)) == {3}
    with pytest.raises(ValueError, match=f"no publication x in .*; kept are {name(1)}, "):
        folders.roll_back(folder, "x")
    with pytest.raises(ValueError, match="no publication current"):
        folders.roll_back(folder, "current")
    assert digests(folder) == whole


def test_after_a_rollback_the_next_build_replaces_what_was_gone_back_to(database, folder):
    publish_builds([1, 2], database, folder)
    folders.roll_back(folder)
    publish_builds([3], database, folder, kept=1)
    assert folders.publications(folder)[0]["previous_build_id"] == name(1)
    assert folders.roll_back(folder) == name(1)


def test_the_outcome_says_whether_the_publication_is_new_and_whether_it_was_current(
    database, folder
):
    build = build_of(1, database)
    outcomes = [folders.publish(build, database, folder, kept=5) for _ in range(2)]
    publish_builds([2], database, folder)
    outcomes.append(folders.publish(build_of(1, database), database, folder, kept=5))
    assert [(done.is_new, done.was_current) for done in outcomes] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert {done.build_id for done in outcomes} == {name(1)}


def test_a_build_that_lost_most_orders_replaces_nothing_unless_it_is_allowed(database, folder):
    publish = partial(folders.publish, database=database, folder=folder, kept=5)
    publish(build_of(1, database, rows=100), min_share=0.5)
    with pytest.raises(ValueError, match="49 orders and the current publication 100.*--allow-few"):
        publish(build_of(2, database, rows=49), min_share=0.5)
    assert folders.current_build(folder) == name(1) and leftovers(folder) == []
    # Another source is no loss, and half is not too little.
    other = replace(build_of(3, database, rows=1), source_name="other")
    assert publish(other, min_share=0.5).is_new
    publish(build_of(4, database, rows=100))
    assert publish(build_of(5, database, rows=50), min_share=0.5).is_new
    assert publish(build_of(6, database, rows=1)).is_new


def test_a_build_without_orders_replaces_nothing_unless_it_is_allowed(database, folder):
    with pytest.raises(ValueError, match="no orders"):
        folders.publish(build_of(1, database, rows=0), database, folder, kept=5, min_share=0.5)
    assert folders.current_build(folder) is None
    assert folders.publish(build_of(1, database, rows=0), database, folder, kept=5).is_new


def test_a_build_whose_orders_give_no_money_replaces_nothing(database, folder):
    with pytest.raises(ValueError, match="give 0.00 net, no money is left.*--allow-fewer-orders"):
        folders.publish(build_of(1, database, net=0), database, folder, kept=5, min_share=0.5)
    assert folders.current_build(folder) is None


def test_after_a_rollback_the_same_build_becomes_current_again(database, folder):
    publish_builds([1, 2], database, folder)
    before = digest(folder / name(2))
    folders.roll_back(folder)
    again = folders.publish(build_of(2, database), database, folder, kept=1)
    assert again == folders.Outcome(name(2), is_new=False, was_current=False)
    assert digest(current(folder)) == before


def test_going_back_to_what_is_no_longer_kept_names_what_is(database, folder):
    publish_builds([1, 2, 3], database, folder, kept=2)
    folders.roll_back(folder)
    with pytest.raises(ValueError, match=f"no publication {name(1)} .* kept are {name(2)}, "):
        folders.roll_back(folder)
    assert numbers_in(current(folder)) == {2}


def test_what_others_keep_there_is_left_alone(database, folder):
    (folder / ".other.tmp").mkdir(parents=True)
    (folder / ".other.tmp/file").write_text("theirs")
    publish_builds([1, 2, 3, 4], database, folder, kept=1)
    assert (folder / ".other.tmp/file").read_text() == "theirs"


def test_an_old_publication_that_cannot_be_removed_does_not_keep_the_next_out(
    database, folder, monkeypatch
):
    publish_builds([1, 2], database, folder, kept=1)

    def refuse(*_, **__):
        raise OSError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refuse)
        publish_builds([3, 4], database, folder, kept=1)
    assert numbers_in(current(folder)) == {4} and names(folder) == [name(3), name(4)]
    assert list(folder.glob(".2*.tmp"))
    publish_builds([5], database, folder, kept=1)
    assert not list(folder.glob(".2*.tmp"))


def test_the_folder_can_be_moved(database, folder, tmp_path):
    publish_builds([1], database, folder)
    folder.rename(tmp_path / "elsewhere")
    assert numbers_in(tmp_path / "elsewhere/current") == {1}


def test_a_link_that_leads_nowhere_and_a_folder_in_its_place_are_named(database, folder):
    publish_builds([1], database, folder)
    (folder / name(1)).rename(folder / "gone")
    with pytest.raises(ValueError, match="leads to .* which is not there; remove the link"):
        publish_builds([2], database, folder)
    current(folder).unlink()
    current(folder).mkdir()
    with pytest.raises(ValueError, match="is not a link that a publisher made"):
        publish_builds([2], database, folder)


# -- Which databases are refused


@pytest.mark.parametrize("published_before", [False, True])
def test_a_database_that_was_written_to_after_the_build_is_refused(
    database, folder, published_before
):
    build = build_of(1, database)
    if published_before:
        folders.publish(build, database, folder, kept=5)
    before = digests(folder)
    log = database.with_name("small.duckdb.wal")
    with duckdb.connect(str(database)) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("delete from marts.fct_orders where order_id = 1")
    assert log.exists()
    os.utime(database, ns=(build.ended_ns, build.ended_ns))
    with pytest.raises(ValueError, match="was written to after the last build had ended"):
        folders.publish(build, database, folder, kept=5)
    duckdb.connect(str(database)).close()
    assert not log.exists()
    with pytest.raises(ValueError, match="was written to after the last build had ended"):
        folders.publish(build, database, folder, kept=5)
    assert digests(folder) == before and leftovers(folder) == []


def test_a_database_that_is_written_to_as_publishing_begins_is_refused(
    database, folder, monkeypatch
):
    build = build_of(1, database)

    class Connection(publishers.Connection):
        def execute(self, sql, *arguments):
            if "(read_only)" in sql and str(database) in sql:
                os.utime(database, ns=(build.ended_ns + 1, build.ended_ns + 1))
            return self.real.execute(sql, *arguments)

    monkeypatch.setattr(duckdb, "connect", Connection)
    with pytest.raises(ValueError, match="was written to after the last build had ended"):
        folders.publish(build, database, folder, kept=5)
    assert names(folder) == leftovers(folder) == []


def test_a_database_that_the_last_build_was_not_of_is_refused(database, folder):
    build = build_of(1, database)
    past = int(build.started_at.timestamp() * 1e9) - 1
    os.utime(database, ns=(past, past))
    with pytest.raises(ValueError, match="is older than the last build, which wrote another"):
        folders.publish(build, database, folder, kept=5)
    database.unlink()
    with pytest.raises(ValueError, match="no warehouse at"):
        folders.publish(build, database, folder, kept=5)
    assert names(folder) == leftovers(folder) == []
