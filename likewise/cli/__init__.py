"""The command line: the verbs on files, and what people do with them.

``app`` is the Typer application. It is made when it is first asked for, so that this module can be imported, and
:func:`main` can say what to install, where Typer is absent.
"""

from __future__ import annotations

import sys
from typing import Any

from likewise.errors import MissingExtraError

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from likewise.cli.application import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        raise MissingExtraError(
            f"the command line needs {error.name}; install it with: pip install 'likewise[cli]'"
        ) from None
    return app


def main() -> None:
    """Run the command line on ``sys.argv``."""
    try:
        app = __getattr__("app")
    except MissingExtraError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # JSON is UTF-8, wherever it goes
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app(prog_name="likewise")
