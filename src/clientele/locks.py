"""Locks between processes. The operating system ends a lock with its process, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(file: Path, refusal: str) -> Iterator[None]:
    """Hold the lock ``file``, which names the process that holds it; the file stays, empty.

    Raises:
        OSError: another process holds it; the message is ``refusal`` with the process's number.
    """
    # Not truncated before the lock is held: the number in it is its holder's.
    with open(file, "a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise OSError(f"{refusal} (process {lock.read() or 'unknown'})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)
