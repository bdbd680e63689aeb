"""Text that names a computation: ``"[3,3,2] @ [2,4]"``, ``"attention(tokens=1024, width=768, heads=12)"``.

Read by a regular expression and by :mod:`ast`, whose tree is walked for names and literals. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

from likewise.costs.check import MOST_AXES
from likewise.costs.expression import OPERATORS, expression
from likewise.costs.layers import attention, feed_forward, linear
from likewise.costs.result import Explanation
from likewise.costs.text import nearest
from likewise.costs.transformer import transformer
from likewise.errors import InputError, ShapeError

LAYERS: dict[str, Callable[..., Explanation]] = {
    "linear": linear,
    "feed_forward": feed_forward,
    "attention": attention,
    "transformer": transformer,
}
_LONGEST = 2_000  # characters
_SHAPE = r"\[[^\[\]()]*\]|\([^\[\]()]*\)"
_EXPRESSION = re.compile(rf"\s*({_SHAPE})\s*(\S*?)\s*({_SHAPE})\s*", re.DOTALL)
_CALL = re.compile(r"\s*(\w+)\s*\(.*\)\s*", re.DOTALL)
_SIZE = re.compile(r"[0-9][0-9_]{0,29}")
_SAME = {"dot": ".", "·": ".", "×": "*", "÷": "/", "−": "-", "matmul": "@"}


def is_text(text: str) -> bool:
    """Whether this looks like text for :func:`read_text`, not like a file: two shapes, or a layer's call."""
    return text.lstrip()[:1] in ("[", "(") or _CALL.fullmatch(text) is not None


def read_text(text: str, **options: Any) -> Explanation:
    """The explanation of what a text names; ``options`` such as ``dtype`` and ``n_jobs`` that are not in it.

    >>> read_text("[3,3,2] @ [2,4]").out_shape
    (3, 3, 4)
    >>> read_text("linear(batch=32, inputs=512, outputs=2048)").out_shape
    (32, 2048)
    """
    if len(text) > _LONGEST:
        raise InputError(f"the text is {len(text):,} characters long; at most {_LONGEST:,} are read")
    if found := _EXPRESSION.fullmatch(text):
        x, op, y = found.groups()
        op = _SAME.get(op, op)
        if op not in OPERATORS:
            raise InputError(
                f"{op[:20]!r} between two shapes is not known; it is one of {' '.join(OPERATORS)}"
                if op
                else f"an operator is missing between {x[:40]} and {y[:40]}: one of {' '.join(OPERATORS)}"
            )
        _refuse_unknown("a product of shapes", options, ("dtype", "n_jobs"))
        return expression(_shape(x), op, _shape(y), **options)
    return _layer(text, options)


def _shape(text: str) -> tuple[int, ...]:
    inner = text[1:-1].strip().removesuffix(",")
    words = [word.strip() for word in inner.split(",")] if inner else []
    if len(words) > MOST_AXES:
        raise ShapeError(f"a shape of {len(words)} axes; at most {MOST_AXES} are drawn")
    for word in words:
        if not _SIZE.fullmatch(word):
            raise InputError(
                f"{word[:40]!r} in {text[:60]} is not the size of an axis; write whole numbers, as in [3,3,2]"
            )
    return tuple(int(word) for word in words)


def _layer(text: str, options: dict[str, Any]) -> Explanation:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the text might be if it were run
            tree: ast.AST | None = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    match tree:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            pass
        case _:
            raise InputError(
                f"{text[:60]!r} cannot be read; write two shapes and what is between them, as in '[3,3,2] @ [2,4]', "
                f"or a layer, as in 'linear(batch=32, inputs=512, outputs=2048)'; layers are {', '.join(LAYERS)}"
            )
    if name not in LAYERS:
        raise InputError(
            f"no layer is called {name[:40]!r}{nearest(name[:40], LAYERS) or '; layers are ' + ', '.join(LAYERS)}"
        )
    if args:
        raise InputError(f"{name} takes its settings by name: {_needed(name)}")
    given: dict[str, Any] = {}
    for word in keywords:
        if word.arg is None:
            raise InputError(f"{name} takes its settings by name: {_needed(name)}")
        if word.arg in given:
            raise InputError(f"{name} is given {word.arg[:40]} twice")
        given[word.arg] = _value(word.arg, word.value)
    return call_layer(name, options | given)


def call_layer(name: str, settings: dict[str, Any]) -> Explanation:
    """The explanation of a layer with these settings, which are checked to be its own and to be all it needs."""
    known = inspect.signature(LAYERS[name]).parameters
    _refuse_unknown(name, settings, known)
    missing = [key for key, what in known.items() if what.default is what.empty and key not in settings]
    if missing:
        raise InputError(f"{name} needs {', '.join(missing)}: {_needed(name)}")
    return LAYERS[name](**settings)


def _refuse_unknown(name: str, settings: dict[str, Any], known: Any) -> None:
    for key in settings:
        if key not in known:
            hint = nearest(key[:40], known)
            raise InputError(f"{name} has no setting {key[:40]!r}{hint or '; its settings are ' + ', '.join(known)}")


def _needed(name: str) -> str:
    known = inspect.signature(LAYERS[name]).parameters
    return f"{name}({', '.join(f'{key}=...' for key, what in known.items() if what.default is what.empty)})"


def _value(name: str, node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Name(id=word):  # metric=manhattan, as one writes it in a shell
            return {"true": True, "false": False, "none": None}.get(word.lower(), word)
        case ast.Call() if name == "metric":
            try:
                return ast.unparse(node)
            except RecursionError:
                pass
    raise InputError(f"{name[:40]} has to be a number, a word, True or False")
