"""What every command does when something goes wrong: one line on stderr, and an exit code.

2 for an error of ours, 130 for Ctrl-C and 141 for a reader that went away, as shells count them (128 + the signal).
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec

import typer
from rich.console import Console
from rich.text import Text

from likewise.cli.show import printable
from likewise.errors import LikewiseError

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, with its errors shown to people."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except LikewiseError as error:
            _complain(str(error))
            raise typer.Exit(2) from None
        except MemoryError:
            _complain("there is not enough memory for this; topk needs less than pairwise, and takes --memory-limit")
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:  # head has read enough
            _silence()
            raise typer.Exit(141) from None

    return run


def _complain(message: str) -> None:
    text = Text(f"Error: {printable(message)}", style="red")
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)


def _silence() -> None:
    """Give the interpreter, which flushes once more at its end, somewhere to flush to."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
