"""Threads of our own: no OpenMP, so nothing to clash with.

Compiled kernels release the GIL. A job is a list of independent tasks, each short (tens of milliseconds), taken in
turn by the workers and the caller; so Ctrl-C, progress and errors are seen between tasks.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from likewise.errors import InputError

Task = Callable[[], object]


_working = threading.local()


def stopped() -> bool:
    """Whether the job in hand has failed or been interrupted: asked by long tasks between calls of a kernel."""
    job = getattr(_working, "job", None)
    return job is not None and job.error is not None


class _Job:
    """Tasks being worked on, by whoever has time."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.next = itertools.count()
        self.error: BaseException | None = None
        self.lock = threading.Lock()
        self.helping = 0
        self.closed = False
        self.done = threading.Semaphore(0)

    def help(self) -> None:
        """Take tasks as another thread, unless there are none any more."""
        with self.lock:
            if self.closed:
                return
            self.helping += 1
        self.work()
        with self.lock:
            self.helping -= 1
            if self.closed and not self.helping:
                self.done.release()

    def close(self) -> bool:
        """No more helpers, since no more tasks; whether some still work. Those that have not woken yet need not."""
        with self.lock:
            self.closed = True
            return self.helping > 0

    def work(self, after: Callable[[], None] | None = None) -> None:
        """Take tasks until there are none."""
        while self.error is None:
            i = next(self.next)
            if i >= len(self.tasks):
                return
            outer, _working.job = getattr(_working, "job", None), self
            try:
                self.tasks[i]()
            except BaseException as error:
                self.error = error
            finally:
                _working.job = outer
            if after is not None:
                after()


class Counter:
    """Pairs done, counted by all threads and reported by the caller's."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self.total, self.done, self.progress = total, 0, progress
        self.lock = threading.Lock()

    def add(self, pairs: int) -> None:
        """Count some more."""
        with self.lock:
            self.done += pairs

    def report(self) -> None:
        """Tell the caller, whose function may raise to stop the work."""
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)


class _Pool:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.queue: SimpleQueue[_Job] = SimpleQueue()
        self.threads: list[threading.Thread] = []

    def ensure(self, count: int) -> None:
        while len(self.threads) < count:
            thread = threading.Thread(target=self._loop, name=f"likewise-{len(self.threads)}", daemon=True)
            self.threads.append(thread)
            thread.start()

    def _loop(self) -> None:
        while True:
            self.queue.get().help()


_pool = _Pool()
_guard = threading.Lock()


def available_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def resolve_jobs(n_jobs: int | None) -> int:
    """``n_jobs=`` as a number of threads: None or -1 for every core, -2 for all but one, as in scikit-learn."""
    cores = available_cores()
    if n_jobs is None:
        return cores
    if isinstance(n_jobs, bool) or not hasattr(n_jobs, "__index__"):
        raise InputError(f"n_jobs={n_jobs!r} is not a whole number; None uses every core ({cores} here)")
    count = int(n_jobs.__index__())
    if count == 0:
        raise InputError("n_jobs=0 means nothing; use 1 for a single thread or None for every core")
    return min(count, 1024) if count > 0 else max(cores + 1 + count, 1)


def run(tasks: Sequence[Task], threads: int, after: Callable[[], None] | None = None) -> None:
    """Carry out all tasks on up to ``threads`` threads; ``after`` is called by the caller's thread between its own.

    The first error stops the job and is raised here. Ctrl-C waits for the tasks in hand, then goes on up.
    """
    global _pool
    if threads <= 1 or len(tasks) <= 1:
        for task in tasks:
            task()
            if after is not None:
                after()
        return
    with _guard:
        if _pool.pid != os.getpid():  # a fork leaves the threads behind
            _pool = _Pool()
        helpers = min(threads, len(tasks)) - 1
        _pool.ensure(helpers)
    job = _Job(tasks)
    for _ in range(helpers):
        _pool.queue.put(job)
    try:
        job.work(after)
    except BaseException as error:
        job.error = error
    waiting = job.close()
    while waiting:
        try:
            waiting = not job.done.acquire(timeout=0.2)
        except BaseException as error:  # Ctrl-C while the others finish: remember it, stop taking tasks
            job.error = error
    if job.error is not None:
        raise job.error
    if after is not None:
        after()  # the others may have ended last
