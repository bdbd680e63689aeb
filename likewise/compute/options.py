"""What every verb takes besides its data: threads, memory, what to do about bad rows, progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from likewise.arrays import parse_memory
from likewise.errors import InputError

Progress = bool | Callable[[int, int], None] | None


@dataclass(frozen=True)
class Options:
    """The options of a call, checked."""

    threads: int
    memory: int | None
    skip_bad: bool
    progress: Callable[[int, int], None] | None


def read_options(n_jobs: Any, memory_limit: Any, on_bad: Any, progress: Progress) -> Options:
    """Check ``n_jobs=``, ``memory_limit=``, ``on_bad=`` and ``progress=``."""
    from likewise.backends.llvm.pool import resolve_jobs

    if on_bad not in ("raise", "skip"):
        raise InputError(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'")
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise InputError("progress= takes True or a function of (done, total)")
    shown = _Bar() if progress is True else progress or None
    return Options(resolve_jobs(n_jobs), parse_memory(memory_limit), on_bad == "skip", shown or None)


class _Bar:
    """A line on standard error, for work of over a second."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        finished = done >= total
        if now - self.start < 1 or (now - self.last < 0.1 and not finished):
            return
        self.last = now
        share = done / total if total else 1.0
        left = (now - self.start) * (1 - share) / share if share else 0.0
        sys.stderr.write(f"\r{share:6.1%}  {now - self.start:.0f} s, {left:.0f} s left " + ("\n" if finished else ""))
        sys.stderr.flush()


def caller_level() -> int:
    """The ``stacklevel`` of a warning that points at the line which called this library."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "likewise":
        level, frame = level + 1, frame.f_back
    return level


def physical_memory() -> float:
    """Bytes of memory this machine has; infinite where it does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")
