"""What can go wrong, as one tree.

::

    LikewiseError
    ├── InputError (ValueError)      the data or an argument: what was found, what to try
    │   ├── ShapeError               dimensions that do not fit together
    │   ├── BadRowsError             NaN or infinite values, with the row numbers
    │   └── UnknownMetricError       a metric's name that is not known, with the nearest ones
    ├── DtypeError (TypeError)       an element type that cannot be compared exactly
    ├── TraceError (TypeError)       a formula that cannot be read, with the line
    ├── MissingExtraError (ImportError)   an optional package, with its install line
    └── BackendError (RuntimeError)  code generation failed on this machine

Every error is a ``LikewiseError`` *and* the built-in that a caller would expect.
"""

from __future__ import annotations


class LikewiseError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(LikewiseError, ValueError):
    """An argument or the data do not fit: the message says what was found and what to try."""


class ShapeError(InputError):
    """Two shapes do not fit together; the message shows both."""


class BadRowsError(InputError):
    """Rows with NaN or infinite values; ``rows`` holds their numbers."""

    def __init__(self, message: str, rows: list[int]) -> None:
        super().__init__(message)
        self.rows = rows


class UnknownMetricError(InputError):
    """No metric of that name; the message offers the nearest ones."""


class DtypeError(LikewiseError, TypeError):
    """An element type that cannot be compared exactly."""


class TraceError(LikewiseError, TypeError):
    """A formula that cannot be turned into an expression; the message shows the line."""


class MissingExtraError(LikewiseError, ImportError):
    """An optional package is absent; the message is its install line."""


class BackendError(LikewiseError, RuntimeError):
    """Code generation failed on this machine."""
