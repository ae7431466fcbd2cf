"""Run a command as a process and account for it from outside: wall and CPU time, peak memory."""

import os
import resource
import subprocess
import threading
import time
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[1]


def measure(command: list[str], *, env: dict | None = None, timeout: float, memory_gb=None) -> dict:
    """Run a command to its end; return wall and CPU seconds, peak MB, exit code, output, samples.

    ``memory_gb`` limits the address space of the process, so that what would drive the machine into
    swapping ends with an error of its own instead.
    """
    samples, done = [], threading.Event()
    ticks = os.sysconf("SC_CLK_TCK")

    def limit():
        if memory_gb:
            resource.setrlimit(resource.RLIMIT_AS, (memory_gb * 2**30,) * 2)

    def watch(pid):
        while not done.wait(0.05):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                return
            samples.append((time.time(), (int(fields[11]) + int(fields[12])) / ticks))

    started = time.time()
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit,
    )
    watcher = threading.Thread(target=watch, args=(process.pid,))
    watcher.start()
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.time()
    killer.cancel()
    done.set()
    watcher.join()
    return {
        "wall": ended - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "exit": os.waitstatus_to_exitcode(status),
        "timed_out": ended - started >= timeout,
        "output": output,
        "samples": [(started, 0.0), *samples, (ended, usage.ru_utime + usage.ru_stime)],
    }


def measure_tree(command: list[str], *, env: dict, timeout: float) -> dict:
    """Run a command like `measure`, counting CPU and memory of its children with its own."""
    started = time.time()
    process = psutil.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | env,
        stdout=(log := Path(env["DBT_LOG_PATH"] + ".txt").open("w+")),
        stderr=subprocess.STDOUT,
        text=True,
    )
    cpu, peak = {}, 0.0
    while process.poll() is None and time.time() - started < timeout:
        resident = 0
        for member in [process, *process.children(recursive=True)]:
            try:
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
                resident += member.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, resident / 2**20)
        time.sleep(0.2)
    for member in [*process.children(recursive=True), process] if process.poll() is None else []:
        member.kill()
    exit_code = process.wait()
    ended = time.time()
    log.seek(0)
    return {
        "wall": ended - started,
        "cpu": sum(cpu.values()),
        "peak_mb": peak,
        "exit": exit_code,
        "timed_out": ended - started >= timeout,
        "output": log.read(),
        "samples": [],
    }
