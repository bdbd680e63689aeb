"""What the models of this package share: parameters as scikit-learn has them, and files without pickle."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.files import load_archive, save_archive
from likewise.transforms.base import Parameters


class Model(Parameters):
    """Base of what is fitted: parameters by name, ``fit``, then attributes that end in an underscore.

    A subclass stores its parameters unchanged under their own names, and says in ``_saved`` which fitted attributes
    are arrays or lists of text: these and the parameters are what a file keeps.
    """

    _saved: ClassVar[tuple[str, ...]] = ()

    def _check_fitted(self) -> None:
        if not hasattr(self, self._saved[0]):
            raise InputError(f"this {type(self).__name__} is not fitted yet; call fit first")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model into one file, without pickle."""
        self._check_fitted()
        arrays: dict[str, NDArray[Any] | list[str]] = {}
        for name in self._saved:
            value = getattr(self, name)
            arrays[name] = value if isinstance(value, list) else np.asarray(value)
        save_archive(path, self._kind(), {"parameters": self.get_params()}, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Any:
        """The model that :meth:`save` wrote; an InputError where the file holds something else."""
        header, arrays = load_archive(path, cls._kind())
        missing = [name for name in cls._saved if name not in arrays]
        if missing or not set(header.get("parameters", ())) <= set(cls._names()):
            raise InputError(f"{os.fspath(path)} is not a whole {cls.__name__}: {', '.join(missing) or 'parameters'}")
        model = cls(**header["parameters"])
        for name in cls._saved:
            value = arrays[name]
            setattr(model, name, value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value)
        return model

    @classmethod
    def _kind(cls) -> str:
        return f"likewise.translate.{cls.__name__}"
