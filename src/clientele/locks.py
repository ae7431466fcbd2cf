"""Locks between processes. The operating system ends a lock with its process, however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def exclusive(file: Path, refusal: str) -> Iterator[None]:
    """Hold the lock ``file``, which names the process that holds it; the file stays, empty.

    Raises:
        OSError: another process holds it; the message is ``refusal`` with the process's number.
    """
    # Not truncated before the lock is held: the number in it is its holder's.
    with open(file, "ab+", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            process = lock.read().decode() or "unknown"
            raise OSError(f"{refusal} (process {process})") from None
        lock.truncate(0)
        # On a full disk the lock has no number.
        with suppress(OSError):
            lock.write(str(os.getpid()).encode())
        try:
            yield
        finally:
            lock.truncate(0)
