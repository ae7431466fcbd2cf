"""`clientele watch`: look every few minutes, build what has changed, publish what passed.

Every round runs `clientele build` and `clientele publish` as processes of their own, so that
nothing that happens to them ends the watch. Both decide for themselves whether there is something
to do, so a round needs no memory of the one before: what failed or was interrupted is tried again
in the next round.
"""

import argparse
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from clientele import state
from clientele.locks import exclusive
from clientele.places import publications_folder, warehouse_file

# Seconds that a build has to end itself; containers are killed after 10.
GRACE = 5
# Lines of the cause of a failure that are printed.
SHOWN = 6
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def duration(text: str) -> int:
    """Return the seconds of a time such as 30s, 5m or 1h.

    >>> duration("5m")
    300
    """
    found = re.fullmatch(r"([1-9][0-9]*)([smh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 30s, 5m or 1h")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def watch(project: Path, arguments: list[str], every: float) -> int:
    """Build and publish until a signal comes, and return 0, also if it interrupted a build.

    Args:
        project: The folder of dbt_project.yml, which is also the current folder.
        arguments: Arguments of `clientele build`.
        every: Seconds from the start of a round to the start of the next; a round that takes
            longer delays the next.

    Raises:
        OSError: another process watches the same warehouse.
    """
    database = warehouse_file(project)
    lock = database.with_name(f".{database.name}.watch.lock")
    with exclusive(lock, f"{database} is being watched already"), Signals() as signals:
        say(f"watching for {database}, every {every:g} s; process {os.getpid()}")
        before = None
        while not signals.stops:
            begin = time.monotonic()
            try:
                outcome = play_round(project, arguments, signals)
            except OSError as error:
                outcome = f"the round failed; what is published stays.\n  {error}"
            # Hours in which nothing changes, or the same fails, are one line.
            if outcome != before and not signals.stops:
                say(outcome)
            before = outcome
            while not signals.stops and (left := begin + every - time.monotonic()) > 0:
                signals.wait(left)
        say(f"stopped by {signals.stops[0].name}")
    return 0


def play_round(project: Path, arguments: list[str], signals: "Signals") -> str:
    """Build if something has changed, publish if that is not done yet; return what happened."""
    begin = time.monotonic()
    built = run(project, ["build", *arguments], signals)
    if signals.stops:
        return ""
    if built.returncode:
        return f"the build failed; what is published stays.{cause(built)}"
    build_id = state.kept_build_id(project)
    if build_id and (publications_folder(project) / build_id).is_dir():
        # Also where an operator went back to another publication, until there is a new build.
        return f"nothing has changed since build {build_id}"
    published = run(project, ["publish"], signals)
    if published.returncode:
        return f"the build was not published; what is published stays.{cause(published)}"
    told = published.stdout.strip().split(",")[0]
    return f"{told}, after {time.monotonic() - begin:.0f} s"


def run(project: Path, command: list[str], signals: "Signals") -> subprocess.CompletedProcess:
    """Run a command of `clientele` in a process of its own, which ends before this returns."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as err,
    ):
        # A session of its own: the interrupt of a terminal comes to the watch only.
        child = subprocess.Popen(
            [sys.executable, "-m", "clientele.cli", *command],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            while child.poll() is None and not signals.stops:
                signals.wait()
        finally:
            end(child, signals)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, child.returncode, out.read(), err.read())


def end(child: subprocess.Popen, signals: "Signals") -> None:
    """End a process and its children: ask it to clean up, and kill it if that takes too long."""
    if child.poll() is not None:
        return
    say("ending what is running; what is published stays")
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGINT)
    begin, asked = time.monotonic(), len(signals.stops)
    # A second signal is impatience.
    while child.poll() is None and len(signals.stops) == asked:
        left = begin + GRACE - time.monotonic()
        if left <= 0:
            break
        signals.wait(left)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def cause(done: subprocess.CompletedProcess) -> str:
    """Return the first lines of why a command failed, indented."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = [number for number, line in enumerate(lines) if line.startswith("clientele: ")]
    # Without a message of its own, the end of what Python printed.
    shown = lines[told[-1] :][:SHOWN] if told else lines[-SHOWN:]
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        memory = ", perhaps because there was too little memory" if name == "SIGKILL" else ""
        shown.append(f"It was ended by {name}{memory}.")
    return "".join(f"\n  {line}" for line in shown)


def say(text: str) -> None:
    """Print a line of the log, with the local time."""
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}", flush=True)


class Signals:
    """Collects the signals that stop the watch; a context manager.

    Signals and ends of child processes wake `wait`, also if they come just before it.
    """

    def __enter__(self) -> "Signals":
        """Take over the signals."""
        self.stops: list[signal.Signals] = []
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._earlier_fd = signal.set_wakeup_fd(self._writer.fileno())
        self._earlier = {}
        for number in STOPS:
            # `nohup` has a reason to ignore this one.
            if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN):
                self._earlier[number] = signal.signal(number, self._stop)
        self._earlier[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_) -> None:
        """Give them back."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._earlier_fd)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for a signal, at most some seconds."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _stop(self, number, _) -> None:
        self.stops.append(signal.Signals(number))
