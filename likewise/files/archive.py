"""What is kept between runs: named arrays and a header in one file, without pickle.

The file is a zip: ``header.json``, and a ``.npy`` for each array, so that anything can read it. It is written beside
its place and then renamed: an interrupted write leaves what was there before.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.files.source import reading

#: Raised when a file is laid out in a way that earlier versions cannot read.
VERSION = 1

Value = NDArray[Any] | Sequence[str]


def save_archive(
    path: str | os.PathLike[str], kind: str, header: Mapping[str, Any], arrays: Mapping[str, Value]
) -> None:
    """Write arrays and a header into one file, in one step.

    Parameters
    ----------
    path : path-like
        The file; what is there is replaced, once the new one is whole.
    kind : str
        What it holds, as in ``"likewise.recommend.Ease"``: checked when it is loaded.
    header : mapping
        What JSON can say.
    arrays : mapping of str to ndarray or sequence of str
        Arrays of any plain dtype, and lists (or object arrays) of text.

    Raises
    ------
    InputError
        Where the folder is not there or cannot be written, or an array holds objects other than text.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/two.likewise"
    >>> save_archive(path, "numbers", {"k": 2}, {"values": np.arange(3), "names": ["a", "b"]})
    >>> header, arrays = load_archive(path, "numbers")
    >>> header, arrays["values"], arrays["names"]
    ({'k': 2}, array([0, 1, 2]), ['a', 'b'])
    """
    path = Path(path)
    beside = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:  # with the rights that any new file has
        handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                texts = {name: _texts(name, value) for name, value in arrays.items() if _is_text(value)}
                top = {"likewise": VERSION, "kind": kind, "header": dict(header), "texts": sorted(texts)}
                archive.writestr("header.json", json.dumps(top, ensure_ascii=False, indent=1))
                for name, value in arrays.items():
                    if name in texts:  # their bytes, and where each ends
                        joined = [text.encode("utf-8", "surrogatepass") for text in texts[name]]
                        ends = np.cumsum([len(text) for text in joined], dtype=np.int64)
                        _write_array(archive, f"{name}.ends", ends)
                        _write_array(archive, f"{name}.bytes", np.frombuffer(b"".join(joined), np.uint8))
                    else:
                        _write_array(archive, name, np.asarray(value))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
        raise


def load_archive(
    path: str | os.PathLike[str], kind: str | Sequence[str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what :func:`save_archive` wrote: the header, and arrays and lists of text by name.

    Raises
    ------
    InputError
        Where the file is absent or damaged, or holds another kind than was asked for.
    """
    path = Path(path)
    _, header, arrays = _load(path, kind)
    return header, arrays


def kind_of_archive(path: str | os.PathLike[str]) -> str:
    """What a file holds, as it was called when it was saved."""
    with _opened(Path(path)) as archive:
        return str(_top(Path(path), archive)["kind"])


def _load(path: Path, kind: str | Sequence[str] | None) -> tuple[str, dict[str, Any], dict[str, Any]]:
    with _opened(path) as archive:
        top = _top(path, archive)
        wanted = [kind] if isinstance(kind, str) else kind
        if wanted is not None and top["kind"] not in wanted:
            raise InputError(f"{path} holds {top['kind']}, not {' or '.join(wanted)}")
        with reading(str(path), "an archive of likewise"):
            members = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            read = {name: _read_array(archive, name) for name in members}
            arrays: dict[str, Any] = {}
            for name in top["texts"]:
                ends, joined = read.pop(f"{name}.ends").tolist(), read.pop(f"{name}.bytes").tobytes()
                starts = [0, *ends[:-1]]
                arrays[name] = [
                    joined[a:b].decode("utf-8", "surrogatepass") for a, b in zip(starts, ends, strict=False)
                ]
            return top["kind"], top["header"], arrays | read


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror or error}") from None
    except (zipfile.BadZipFile, NotImplementedError):
        raise InputError(f"{path} is not an archive of likewise, or it is damaged") from None


def _top(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        top = json.loads(archive.read("header.json"))
        version = int(top["likewise"])
    except (KeyError, ValueError, TypeError, OSError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile):
        raise InputError(f"{path} is not an archive of likewise, or it is damaged") from None
    if version > VERSION:
        raise InputError(f"{path} was written by a newer likewise (layout {version}; this one reads {VERSION})")
    return dict(top)


def _is_text(value: Value) -> bool:
    return not isinstance(value, np.ndarray) or value.dtype.kind in "OU"


def _texts(name: str, value: Value) -> list[str]:
    texts = [str(text) if isinstance(text, np.str_) else text for text in value]
    bad = [type(text).__name__ for text in texts if not isinstance(text, str)]
    if bad:
        raise InputError(f"{name} holds {bad[0]}; only text and numbers can be saved")
    return texts


def _write_array(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    return np.asarray(np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False))
