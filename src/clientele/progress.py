"""Follow a dbt run: a bar with the time left, or a line per phase; time and CPU of each phase.

A phase is a family of models, ``models/<layer>/<family>/``, with the checks of those models. Seeds
and staging models are the phase ``sources``; checks over several models are ``quality``.
"""

import json
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

# Expected seconds of a node without an earlier run.
SECONDS = {"seed": 0.5, "model": 0.4, "python": 3.0, "test": 0.1, "unit_test": 0.3}
READING = "reading the project"
# Seconds between readings of the CPU clock, and between redraws of the bar.
TICK = 0.25


def phase_of(node: dict, nodes: dict[str, dict]) -> str:
    """Return the phase of a node of dbt's manifest, one of ``nodes``.

    >>> phase_of({"resource_type": "model", "fqn": ["clientele", "ml", "value", "ml_x"]}, {})
    'value'
    """
    kind = node["resource_type"]
    if kind == "seed":
        return "sources"
    if kind == "model":
        folders = node["fqn"][1:-1]
        return folders[1] if len(folders) > 1 else "sources"
    tested = node.get("attached_node") or (
        node["depends_on"]["nodes"][0] if kind == "unit_test" else None
    )
    return phase_of(nodes[tested], nodes) if tested in nodes else "quality"


def expected_seconds(nodes: dict[str, dict], earlier: dict[str, float]) -> dict[str, float]:
    """Return how long each node is expected to take: as in the ``earlier`` run, else by its kind.

    >>> expected_seconds({"model.a": {"resource_type": "model", "language": "python"}}, {})
    {'model.a': 3.0}
    """
    kinds = {
        key: "python" if node.get("language") == "python" else node["resource_type"]
        for key, node in nodes.items()
    }
    known = defaultdict(list)
    for key, kind in kinds.items():
        if key in earlier:
            known[kind].append(earlier[key])
    return {
        key: earlier[key]
        if key in earlier
        else statistics.median(known[kind])
        if kind in known
        else SECONDS[kind]
        for key, kind in kinds.items()
    }


class Phase:
    """The state of one phase; times in seconds."""

    def __init__(self) -> None:
        """Start with an empty phase."""
        self.expected = Counter()  # nodes by kind
        self.finished = Counter()
        self.running = 0
        self.time = 0.0
        self.cpu = 0.0
        self.is_told = False

    def line(self) -> str:
        """Return how many models and checks have been done."""
        checks = self.finished["test"] + self.finished["unit_test"]
        models = self.finished.total() - checks
        words = [_count(models, "model"), _count(checks, "check")]
        return f"{', '.join(word for word in words if word):<26} {self.time:7.1f} s"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}" if number else ""


class Progress:
    """Receives dbt's events and shows the progress of the run; a context manager.

    The CPU time of the process between two readings of its clock is divided equally among the
    running nodes, so that the phases add up to the whole. The CPU time of child processes, for
    example Spark's Java, is not included.

    Args:
        manifest: Where dbt writes its manifest before the first node.
        earlier: Seconds by node of an earlier run.
        stream: Where the bar goes if it is a terminal, else a line per phase; standard error.
    """

    def __init__(self, manifest: Path, earlier: dict[str, float], stream: TextIO | None = None):
        """Start measuring."""
        stream = stream or sys.stderr
        self._manifest = manifest
        self._earlier = earlier
        self._stream = stream
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._begin = self._seen_at = time.monotonic()
        self._seen_cpu = 0.0  # of the process, since its start
        self._nodes: dict[str, tuple[str, str]] = {}  # phase and kind
        self._seconds: dict[str, float] = {}
        self._running: dict[str, float] = {}
        self._done = 0.0
        self._node_count = 0
        self.phases: dict[str, Phase] = {}
        self.own = Phase()  # dbt itself: parsing, and whenever no node runs
        self.messages: list[str] = []  # messages of macros
        self._warnings: set[str] = set()
        self._is_terminal = stream.isatty()
        self._bar = tqdm(
            file=stream,
            disable=not self._is_terminal,
            desc=READING,
            bar_format="{desc}  {elapsed}",
            dynamic_ncols=True,
            smoothing=0,
            leave=False,
        )

    def __enter__(self) -> "Progress":
        """Start the display."""
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        return self

    def __exit__(self, *_) -> None:
        """Stop, and print the phases that ran only in part."""
        self._over.set()
        self._ticker.join()
        with self._lock:
            self._look()
            self._bar.close()
            for name, phase in self.phases.items():
                if phase.finished and not phase.is_told:
                    self._tell(name, phase)

    def hear(self, event) -> None:
        """Process one of dbt's events; dbt calls this in the thread of the event."""
        try:
            self._take(event)
        except Exception as error:
            # An exception here would make dbt wait forever for the node.
            self.say(f"warning: progress is not shown rightly: {error!r}")

    def _take(self, event) -> None:
        name = event.info.name
        if name == "NodeStart":
            self._start(event.data.node_info.unique_id)
        elif name == "NodeFinished":
            self._finish(event.data.node_info.unique_id, event.data.run_result.status)
        elif name == "ConcurrencyLine":
            self._node_count = event.data.node_count
        elif name == "JinjaLogInfo":
            self.messages.append(event.data.msg)
        # The result of a check is reported with its node.
        elif event.info.level == "warn" and name not in ("LogTestResult", "RunResultWarning"):
            self.say(f"warning: {event.info.msg.strip()}")

    def say(self, message: str) -> None:
        """Print a message above the bar, once."""
        with self._lock:
            if message not in self._warnings:
                self._warnings.add(message)
                self._write(message)

    def table(self) -> str:
        """Return the time and CPU time of each phase as text, the largest first."""
        rows = sorted(self.phases.items(), key=lambda row: -row[1].cpu)
        rows = [*[row for row in rows if row[1].finished], ("dbt itself", self.own)]
        width = max(len(name) for name, _ in rows)
        lines = [f"  {'':<{width}}  models  checks     time      CPU"]
        for name, phase in rows:
            checks = phase.finished["test"] + phase.finished["unit_test"]
            models = phase.finished.total() - checks
            counts = f"{models or '':>6}  {checks or '':>6}"
            lines.append(f"  {name:<{width}}  {counts}  {phase.time:5.1f} s  {phase.cpu:5.1f} s")
        whole, cpu = self._seen_at - self._begin, self._seen_cpu
        lines.append(f"  {'all':<{width}}  {'':14}  {whole:5.1f} s  {cpu:5.1f} s")
        lines.append("  Phases overlap in time. CPU is this process's, shared equally by the nodes")
        lines.append("  that run at a moment.")
        return "\n".join(lines)

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            with self._lock:
                self._look()
                self._draw()

    def _look(self) -> None:
        """Assign the time since the last reading to the phases of the running nodes."""
        now, cpu = time.monotonic(), time.process_time()
        passed, used = now - self._seen_at, cpu - self._seen_cpu
        self._seen_at, self._seen_cpu = now, cpu
        for phase in self.phases.values() if self._running else [self.own]:
            if phase is self.own or phase.running:
                phase.time += passed
                phase.cpu += used * phase.running / len(self._running) if self._running else used

    def _draw(self) -> None:
        if self._bar.disable or not self._nodes:
            self._bar.refresh()
            return
        now = time.monotonic()
        # A running node counts as partly done, but never as done.
        part = sum(
            min(now - begun, 0.95 * self._expected(key)) for key, begun in self._running.items()
        )
        self._bar.n = min(self._done + part, self._bar.total)
        if self._running:
            latest = next(reversed(self._running))
            self._bar.set_description_str(f"{self._nodes[latest][0]:<16}", refresh=False)
            self._bar.set_postfix_str(latest.split(".")[2][:40], refresh=False)
        self._bar.refresh()

    def _expected(self, key: str) -> float:
        return self._seconds.get(key, SECONDS["model"])

    def _start(self, key: str) -> None:
        with self._lock:
            self._look()
            if not self._nodes:
                self._plan()
            phase, _ = self._nodes.setdefault(key, ("", key.split(".")[0]))
            if phase:
                self._running[key] = self._seen_at
                self.phases[phase].running += 1

    def _finish(self, key: str, status: str) -> None:
        with self._lock:
            self._look()
            if self._running.pop(key, None) is None:
                return
            name, kind = self._nodes[key]
            phase = self.phases[name]
            phase.running -= 1
            self._done += self._expected(key)
            if status == "skipped":
                phase.expected[kind] -= 1
                return
            phase.finished[kind] += 1
            if phase.finished == phase.expected:
                self._tell(name, phase)

    def _plan(self) -> None:
        """Read the nodes of this run from dbt's manifest, which dbt has just written."""
        try:
            manifest = json.loads(self._manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            manifest = {"nodes": {}, "unit_tests": {}}
        nodes = {
            key: node
            for key, node in (manifest["nodes"] | manifest["unit_tests"]).items()
            if node["resource_type"] in SECONDS
        }
        self._nodes = {
            key: (phase_of(node, nodes), node["resource_type"]) for key, node in nodes.items()
        }
        self._seconds = expected_seconds(nodes, self._earlier)
        for name, kind in self._nodes.values():
            self.phases.setdefault(name, Phase())
            if kind != "unit_test":
                self.phases[name].expected[kind] += 1
        usual = [key for key, (_, kind) in self._nodes.items() if kind != "unit_test"]
        # If only a part of the project runs, that part is not known in advance.
        share = min(self._node_count / len(usual), 1) if usual and self._node_count else 1
        self._bar.bar_format = "{desc} {percentage:3.0f}% |{bar}| {remaining} left{postfix}"
        self._bar.reset(total=max(share * sum(map(self._expected, usual)), 0.1))

    def _tell(self, name: str, phase: Phase) -> None:
        phase.is_told = True
        if not self._is_terminal:
            self._write(f"{name:<16} {phase.line()}")

    def _write(self, text: str) -> None:
        with self._bar.external_write_mode(file=self._stream):
            self._stream.write(text + "\n")
            self._stream.flush()
