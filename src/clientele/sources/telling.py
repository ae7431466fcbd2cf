"""Tell a person what a long import does now."""

import sys
import threading
import time
from typing import TextIO


class Telling:
    """A line with the current step and its seconds, while it lasts; a context manager.

    In a terminal one line is drawn over and over, and removed at the end. Elsewhere each step is a
    line of its own. Short imports say nothing.

    Args:
        what: What is done, such as `import`.
        stream: Where the line goes; standard error.
    """

    # Seconds after which anything is said, and between looks at the clock.
    AFTER, TICK = 2.0, 0.2

    def __init__(self, what: str, stream: TextIO | None = None):
        """Say nothing yet."""
        self._what, self._stream = what, stream or sys.stderr
        self._begun, self._step, self._said = time.monotonic(), "", ""
        self._is_terminal, self._drawn = self._stream.isatty(), 0
        self._done = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Telling":
        """Start to watch the clock."""
        self._ticker.start()
        return self

    def __exit__(self, *_) -> None:
        """Remove the line."""
        self._done.set()
        self._ticker.join()
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._stream.flush()

    def __call__(self, step: str) -> None:
        """Begin a step."""
        self._step = step

    def _tick(self):
        while not self._done.wait(self.TICK):
            seconds = time.monotonic() - self._begun
            if seconds < self.AFTER or not self._step:
                continue
            if self._is_terminal:
                line = f"{self._what}: {self._step}, {seconds:.0f} s"[:78]
                self._stream.write("\r" + line.ljust(self._drawn))
                self._drawn = max(self._drawn, len(line))
            elif self._step != self._said:
                self._stream.write(f"{self._what}: {self._step}\n")
                self._said = self._step
            self._stream.flush()
