"""Which columns of a table make the vectors, and which one names the rows.

A schema here is a dictionary: name -> Arrow type.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from likewise.errors import InputError


@dataclass(frozen=True)
class Wanted:
    """What was asked for: see :func:`likewise.files.read`."""

    columns: str | Sequence[str] | None = None
    id: str | None = None
    strict: bool = True
    gaps: bool = False


@dataclass(frozen=True)
class Choice:
    """Columns to load: the vectors' (one of lists, or several of numbers), and the id's."""

    columns: list[str]
    lists: bool
    id: str | None
    gaps: bool = False

    @property
    def all(self) -> list[str]:
        """Each column once: an id column may be one of the vectors'."""
        return list(dict.fromkeys([*self.columns, *([] if self.id is None else [self.id])]))


def choose(name: str, types: Mapping[str, Any], wanted: Wanted) -> Choice:
    """The columns that make the vectors, and the one that names them."""
    of_id = choose_id(name, list(types), wanted)
    lists = [column for column, type_ in types.items() if is_list(type_) and column != of_id]
    numbers = [column for column, type_ in types.items() if is_number(type_) and column != of_id]
    if wanted.columns is not None:
        chosen = resolve(name, list(types), wanted.columns)
        if len(chosen) == 1 and is_list(types[chosen[0]]):
            return Choice(chosen, True, of_id, wanted.gaps)
        for column in chosen:
            if not is_number(types[column]):
                refuse_column(name, column, types)
        return Choice(chosen, False, of_id, wanted.gaps)
    if len(lists) > 1:
        raise InputError(f"{name} has {len(lists)} columns of vectors: {', '.join(lists)}; choose one with columns=")
    if lists:
        return Choice(lists, True, of_id, wanted.gaps)
    if not numbers:
        raise InputError(f"{name} has no numeric column; it has {described(types)}")
    return Choice(numbers, False, of_id, wanted.gaps)


def choose_id(name: str, names: list[str], wanted: Wanted) -> str | None:
    """The id column that was asked for, if the table has it."""
    if wanted.id is None or wanted.id in names:
        return wanted.id
    if not wanted.strict:
        return None
    raise InputError(f"{name} has no id column {wanted.id!r}{_near(wanted.id, names)}")


def resolve(name: str, names: list[str], columns: str | Sequence[str]) -> list[str]:
    """Names and ranges -> names: "a,c:e" -> a, c, d, e. A column that is called so goes before any other reading."""
    parts = [columns] if isinstance(columns, str) and columns in names else columns
    if isinstance(parts, str):
        parts = [part.strip() for part in parts.split(",")]
    chosen = [column for part in parts for column in _resolve_part(name, names, part)]
    if not chosen:
        raise InputError(f"columns={columns!r} chooses nothing of {name}; it has {', '.join(names)}")
    if len(set(chosen)) < len(chosen):
        twice = next(column for i, column in enumerate(chosen) if column in chosen[:i])
        raise InputError(f"columns={columns!r} chooses {twice!r} twice")
    return chosen


def _resolve_part(name: str, names: list[str], part: str) -> list[str]:
    if part in names:
        return [part]
    first, colon, last = part.partition(":")
    if not colon:
        raise InputError(f"{name} has no column {part!r}{_near(part, names)}")
    for end in (first, last):
        if end and end not in names:
            raise InputError(f"{name} has no column {end!r}, an end of the range {part!r}{_near(end, names)}")
    start = names.index(first) if first else 0
    stop = names.index(last) if last else len(names) - 1
    if start > stop:
        raise InputError(f"the range {part!r} is backwards: {name} has {last!r} before {first!r}")
    return names[start : stop + 1]


def _near(text: str, names: list[str]) -> str:
    close = difflib.get_close_matches(text, names, n=1)
    return (f"; did you mean {close[0]!r}? It has " if close else "; it has ") + shortened(names)


def shortened(names: list[str], most: int = 30) -> str:
    """Names for a message, not all of a thousand."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def check_unique(name: str, names: list[str]) -> None:
    """Refuse two columns of one name."""
    if len(set(names)) < len(names):
        twice = next(column for i, column in enumerate(names) if column in names[:i])
        raise InputError(f"{name} has two columns called {twice!r}; give each a name of its own")


def types_of(name: str, schema: Any) -> dict[str, Any]:
    """A schema as name -> type, which takes unique names."""
    check_unique(name, list(schema.names))
    return {field.name: unwrapped_type(field.type) for field in schema}


def unwrapped_type(type_: Any) -> Any:
    """Without what only wraps: an extension (a fixed-shape tensor) or a dictionary of values."""
    while True:
        if hasattr(type_, "storage_type"):
            type_ = type_.storage_type
        elif hasattr(type_, "index_type"):
            type_ = type_.value_type
        else:
            return type_


def is_number(type_: Any) -> bool:
    """Whether a column of this type can be a coordinate."""
    import pyarrow.types as t

    return bool(t.is_integer(type_) or t.is_floating(type_) or t.is_boolean(type_) or t.is_decimal(type_))


def is_list(type_: Any) -> bool:
    """Whether a column of this type holds whole vectors."""
    import pyarrow.types as t

    if not (t.is_list(type_) or t.is_large_list(type_) or t.is_fixed_size_list(type_)):
        return False
    return is_number(type_.value_type) and not t.is_decimal(type_.value_type)


def described(types: Mapping[str, Any]) -> str:
    """Names and types for a message."""
    return shortened([f"{name} ({called(type_)})" for name, type_ in types.items()]) or "no columns at all"


def called(type_: Any) -> str:
    """What a type is called in a message."""
    words = {"string": "text", "large_string": "text", "string_view": "text", "null": "empty"}
    return words.get(str(type_), str(type_))


def refuse_column(name: str, column: str, types: Mapping[str, Any], found: str = "") -> NoReturn:
    """Say why a chosen column cannot be a coordinate, and which could."""
    if is_list(types[column]):
        raise InputError(f"{name}: column {column!r} holds vectors of its own; choose it alone")
    numbers = [other for other, type_ in types.items() if is_number(type_)]
    raise InputError(
        f"{name}: column {column!r} is not numeric but {called(types[column])}{found}; "
        f"numeric columns: {shortened(numbers) or 'none'}"
    )
