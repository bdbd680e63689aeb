"""Optional packages: each is loaded where it is first needed, and a missing one is an error with its install line."""

from __future__ import annotations

import importlib
from typing import Any

from likewise.errors import MissingExtraError

#: What a package is called where it is installed from, where that is not the name it is imported by.
_DISTRIBUTIONS = {
    "scipy": "SciPy",
    "sentence_transformers": "sentence-transformers",
    "sklearn": "scikit-learn",
    "Stemmer": "PyStemmer",
}


def need(module: str, what: str, extra: str | None = None) -> Any:
    """An optional module.

    Parameters
    ----------
    module : str
        Its dotted name.
    what : str
        What needs it, for the message.
    extra : str, optional
        The extra of likewise that brings it. Default: none does, and the package is installed by itself.

    Raises
    ------
    MissingExtraError
        Where the package is absent. Where it is there, and lacks something itself, that error comes through.

    Examples
    --------
    >>> need("no_such_package.part", "reading FOO", extra="cli")
    Traceback (most recent call last):
    likewise.errors.MissingExtraError: reading FOO needs no_such_package; install it with: pip install 'likewise[cli]'
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
    name = _DISTRIBUTIONS.get(package, package)
    line = f"'likewise[{extra}]'" if extra else name
    raise MissingExtraError(f"{what} needs {name}; install it with: pip install {line}")
