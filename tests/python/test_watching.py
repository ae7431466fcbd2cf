"""`clientele watch` builds and publishes what changes, survives what fails, and stops cleanly."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

import duckdb
import pytest
from tiny_project import SLOW, SLOW_MODEL, copy_of, write_lines, write_project

from clientele import cli, state, watching
from clientele.locks import exclusive
from clientele.publishing import folders


@pytest.fixture(scope="module")
def small_project(tmp_path_factory):
    """A small project that was built and published once, by a watch."""
    warehouse = write_project(tmp_path_factory.mktemp("watched"))
    watcher = Watcher(warehouse)
    try:
        watcher.read("Published ")
        assert watcher.stopped(signal.SIGINT) == 0
    finally:
        watcher.kill()
    return warehouse


@pytest.fixture
def shop(small_project, tmp_path):
    """A copy of it, which is due to be built because it is elsewhere."""
    copy = copy_of(small_project, tmp_path / "copy")
    (copy.folder / "logs/dbt.log").unlink()
    return copy


@pytest.fixture
def watch():
    """A function that starts a watch of a warehouse, which ends with the test."""
    started = []

    def start(warehouse):
        started.append(Watcher(warehouse))
        return started[-1]

    yield start
    for watcher in started:
        watcher.kill()


class Watcher:
    """A process that watches a warehouse, and what it says."""

    def __init__(self, warehouse):
        self.warehouse = warehouse
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
        command = ["watch", "--source", "shop", "--data", str(warehouse.folder / "lines.csv")]
        self.log = tempfile.TemporaryFile("r+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clientele.cli", *command, "--every", "1s"],
            cwd=warehouse.project,
            env=inherited | warehouse.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.said, self.heard = "", 0

    def listen(self):
        """Return what it has said and no one has read."""
        text = os.pread(self.log.fileno(), 1_000_000, self.heard).decode()
        self.said, self.heard = self.said + text, self.heard + len(text.encode())
        return self.said

    def read(self, text, seconds=90):
        """Wait until it says a text; return what it said until the end of that, and forget it."""
        end = time.monotonic() + seconds
        while text not in self.listen() or not self.said.endswith("\n"):
            assert self.process.poll() is None and time.monotonic() < end, self.said
            time.sleep(0.02)
        said, self.said = self.said, ""
        return said

    def wait_for_the_slow_model(self):
        log = self.warehouse.folder / "logs/dbt.log"
        end = time.monotonic() + 90
        while not (log.exists() and SLOW_MODEL in log.read_text()):
            assert self.process.poll() is None and time.monotonic() < end, self.listen()
            time.sleep(0.02)
        lock = self.warehouse.folder / ".clientele.duckdb.build.lock"
        return int(lock.read_text())

    def stopped(self, number):
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        self.process.wait(30)
        self.listen()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def published(warehouse):
    """Return the current publication's name and its number of orders."""
    folder = warehouse.folder / "published"
    file = folder / "current/clientele.duckdb"
    with duckdb.connect(str(file.resolve()), read_only=True) as connection:
        orders = connection.execute("select count(*) from marts.fct_orders").fetchall()[0][0]
    return folders.current_build(folder), orders


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_watch_builds_publishes_survives_failures_and_obeys(small_project, watch):
    shop, watcher = small_project, watch(small_project)
    first, orders = published(shop)
    # What is built and published is not built again.
    said = watcher.read("nothing has changed")
    assert f"watching for {shop.database}, every 1 s; process {watcher.process.pid}" in said
    assert f"nothing has changed since build {first}" in said and orders == 10

    # A second watch is refused and does nothing; the first goes on.
    second = watch(shop)
    assert second.process.wait(30) == 2
    assert (
        f"{shop.database} is being watched already (process {watcher.process.pid})"
        in second.listen()
    )

    write_lines(shop.folder, orders=10, columns="a,b,c,d,e,f")
    said = watcher.read("the build failed")
    assert "the build failed; what is published stays.\n  clientele: source 'shop' cannot" in said
    assert "no column 'order_id'" in said
    assert published(shop) == (first, 10)

    write_lines(shop.folder, orders=11)
    watcher.read("Published ")
    new, orders = published(shop)
    assert new > first and orders == 11

    # What an operator went back to stays until there is a new build.
    folders.roll_back(shop.folder / "published", first)
    time.sleep(2.5)
    assert published(shop) == (first, 10)

    # A build with too few orders is made and not published.
    write_lines(shop.folder, orders=2)
    said = watcher.read("was not published")
    assert "  clientele: the build has 2 orders and the current publication 10" in said
    assert published(shop) == (first, 10)

    write_lines(shop.folder, orders=12)
    watcher.read("Published ")
    assert published(shop)[1] == 12
    watcher.read("nothing has changed")
    # Silent while there is nothing to say.
    time.sleep(2.5)
    assert watcher.listen() == ""
    assert watcher.stopped(signal.SIGTERM) == 0
    # The signal may come while a round looks for changes.
    look = r"([-\d]+ [:\d]+ ending what is running; what is published stays\n)?"
    assert re.fullmatch(look + r"[-\d]+ [:\d]+ stopped by SIGTERM\n", watcher.said)


def test_a_killed_build_is_tried_again_and_a_signal_ends_it_and_publishes_nothing(shop, watch):
    before = published(shop)
    write_lines(shop.folder, orders=11, quantity=SLOW)
    watcher = watch(shop)
    killed = watcher.wait_for_the_slow_model()
    (shop.folder / "logs/dbt.log").unlink()
    os.kill(killed, signal.SIGKILL)
    assert "It was ended by SIGKILL, perhaps" in watcher.read("the build failed")
    child = watcher.wait_for_the_slow_model()
    assert watcher.stopped(signal.SIGTERM) == 0
    assert "ending what is running; what is published stays" in watcher.said
    assert "stopped by SIGTERM\n" in watcher.said
    assert not is_running(child)
    assert published(shop) == before
    # The next build is due.
    assert state.kept_build_id(shop.project) is None


def test_a_watch_that_is_killed_leaves_no_lock_and_its_build_is_waited_for(shop, watch):
    write_lines(shop.folder, orders=11, quantity=SLOW)
    watcher = watch(shop)
    child = watcher.wait_for_the_slow_model()
    watcher.process.kill()
    watcher.process.wait()
    assert is_running(child)
    watcher = watch(shop)
    said = watcher.read("the build failed")
    assert f"is being built; try again when that has ended (process {child})" in said
    write_lines(shop.folder, orders=11)
    os.kill(child, signal.SIGKILL)
    watcher.read("Published ")
    assert published(shop)[1] == 11
    assert watcher.stopped(signal.SIGINT) == 0


# -- Parts


def ended(returncode=1, stderr=""):
    return subprocess.CompletedProcess([], returncode, "", stderr)


def test_the_cause_is_the_last_message_in_few_lines_or_the_end_of_what_was_printed():
    printed = "warning: x\norders 1 model\n\nclientele: the build failed\n\nerror: a\n  b\n"
    assert watching.cause(ended(stderr=printed)) == (
        "\n  clientele: the build failed\n  error: a\n  b"
    )
    long = "clientele: it failed\n" + "".join(f"{n}\n" for n in range(20))
    assert watching.cause(ended(stderr=long)).splitlines()[-1] == "  4"
    traceback = "".join(f"{n}\n" for n in range(20))
    assert watching.cause(ended(stderr=traceback)).split() == [str(n) for n in range(14, 20)]


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("90m", 5400)]
)
def test_a_time_has_a_unit(text, seconds):
    assert watching.duration(text) == seconds


@pytest.mark.parametrize("text", ["5", "m", "0s", "1.5h", "1d", "5 m", ""])
def test_any_other_time_is_refused(text, capsys):
    with pytest.raises(SystemExit) as refusal:
        cli.main(["watch", "--every", text])
    assert refusal.value.code == 2
    assert f"{text!r} is no time such as 30s, 5m or 1h" in capsys.readouterr().err


@pytest.fixture
def project(tmp_path, monkeypatch):
    warehouse = write_project(tmp_path)
    for name, value in warehouse.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(warehouse.project)
    return warehouse.project


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "shoop"], "no source 'shoop'"),
        (["--source", "shop", "--vars", "{source: x}"], "--vars sets `source`"),
    ],
)
def test_wrong_arguments_are_refused_at_once(project, arguments, message, capsys):
    assert cli.main(["watch", *arguments]) == 2
    assert message in capsys.readouterr().err


class Rounds:
    """Stands for `run`: answers commands one after the other, and stops the watch at the end."""

    def __init__(self, *answers, number=signal.SIGTERM):
        self.answers, self.commands, self.number = list(answers), [], number

    def __call__(self, project, command, signals):
        self.commands.append(command)
        answer = self.answers.pop(0)
        if not self.answers:
            os.kill(os.getpid(), self.number)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_rounds_start_at_even_times_and_a_long_one_delays_the_next(project, monkeypatch):
    starts, lasting = [], [0.0, 0.5, 0.0, 0.0]

    def run(_, command, signals):
        starts.append(time.monotonic())
        time.sleep(lasting[len(starts) - 1])
        if len(starts) == len(lasting):
            os.kill(os.getpid(), signal.SIGTERM)
        return ended(stderr="clientele: no")

    monkeypatch.setattr(watching, "run", run)
    assert watching.watch(project, [], 0.3) == 0
    waited = [b - a for a, b in zip(starts, starts[1:], strict=False)]
    # A busy machine may be late, but no round starts early.
    assert all(w > least - 0.05 for w, least in zip(waited, [0.3, 0.5, 0.3], strict=True))


def test_arguments_and_vars_reach_every_build(project, monkeypatch):
    rounds = Rounds(ended(), ended())
    monkeypatch.setattr(watching, "run", rounds)
    command = ["watch", "--source", "shop", "--data", "f.csv", "--vars", "{n: 3}", "--every", "1s"]
    assert cli.main(command) == 0
    expected = ["build", "--vars", "{n: 3}", "--source", "shop", "--data", "f.csv"]
    assert rounds.commands == [expected, expected]


def test_the_same_failure_is_said_once_and_a_round_that_cannot_start_is_survived(
    project, monkeypatch, capsys
):
    no = ended(stderr="clientele: no")
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(watching, "run", Rounds(no, no, full, no, no))
    assert watching.watch(project, [], 0.01) == 0
    told = [line.strip() for line in capsys.readouterr().out.splitlines() if line[0] == " "]
    assert told == ["clientele: no", "[Errno 28] No space left on device", "clientele: no"]


def test_a_build_without_a_record_is_handed_to_the_publisher(project, monkeypatch):
    monkeypatch.setattr(state, "kept_build_id", lambda _: None)
    rounds = Rounds(ended(0), ended(2, "clientele: only part"), ended(0))
    monkeypatch.setattr(watching, "run", rounds)
    signals = SimpleNamespace(stops=[])
    outcome = watching.play_round(project, [], signals)
    assert rounds.commands == [["build"], ["publish"]]
    assert (
        outcome == "the build was not published; what is published stays.\n  clientele: only part"
    )


@pytest.mark.parametrize("is_impatient", [False, True])
def test_a_process_that_does_not_end_is_killed(monkeypatch, is_impatient):
    monkeypatch.setattr(watching, "GRACE", 60 if is_impatient else 0.3)
    code = (
        "import signal, time; signal.signal(2, lambda *_: None); print(flush=True); time.sleep(99)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", f"{code}\ntime.sleep(99)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    child.stdout.readline()
    with watching.Signals() as signals:
        if is_impatient:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        begin = time.monotonic()
        watching.end(child, signals)
    # The child would sleep for longer.
    assert time.monotonic() - begin < 60
    assert child.returncode == -signal.SIGKILL
    child.stdout.close()


@pytest.mark.parametrize("number", watching.STOPS)
def test_every_signal_ends_a_watch_and_is_given_back(project, monkeypatch, number, capsys):
    before = {number: signal.getsignal(number) for number in watching.STOPS}
    monkeypatch.setattr(watching, "run", Rounds(ended(), number=number))
    assert watching.watch(project, [], 60) == 0
    assert capsys.readouterr().out.endswith(f" stopped by {number.name}\n")
    assert {number: signal.getsignal(number) for number in watching.STOPS} == before
    with exclusive(project.parent / ".clientele.duckdb.watch.lock", "busy"):
        pass


def test_nohup_is_respected(project, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with watching.Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.stops == []
    finally:
        signal.signal(signal.SIGHUP, before)
