"""A model as a header of JSON and plain arrays: what a file of it holds, and nothing that could run when it is read."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likewise.errors import InputError, LikewiseError
from likewise.formula.expr import OPS, Expr
from likewise.formula.metric import Metric
from likewise.nn.transformer import Transformer
from likewise.nn.vocabulary import Vocabulary

KIND = "likewise.nn.Transformer"
_METRICS = ("metric", "feedforward_metric")
_LEFT = 60.0  # seconds after which a half-written file is nobody's: writing 1 GB takes less


def model_header(model: Transformer) -> dict[str, Any]:
    """What a model is made from, as JSON says it."""
    settings = model.settings | {name: metric_to_json(model.settings[name]) for name in _METRICS}
    vocabulary = None if model.vocabulary is None else {"characters": model.vocabulary.characters}
    return {"model": settings, "symbols": model.symbols, "vocabulary": vocabulary}


def model_arrays(model: Transformer) -> dict[str, NDArray[Any]]:
    """Its weights by name, ``model.`` in front."""
    return {f"model.{name}": to_array(tensor) for name, tensor in model.state_dict().items()}


def model_of(path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Transformer:
    """The model that a header and arrays describe."""
    try:
        settings = dict(header["model"])
        settings |= {name: metric_from_json(settings[name]) for name in _METRICS}
        found = header["vocabulary"]
        vocab = int(header["symbols"]) if found is None else Vocabulary(found["characters"])
        model = Transformer(vocab, **settings)
        state = model.state_dict()
        weights = {name: to_tensor(arrays[f"model.{name}"]) for name in state}
        dtype = weights["tokens.weight"].dtype
        model.to(dtype).load_state_dict(weights)
    except LikewiseError:
        raise
    except Exception as error:  # a header that somebody edited fails in as many ways as there are
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{os.fspath(path)} holds no model that can be made: {said}; it may be damaged") from None
    return model


# ---- tensors


def to_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor as an array; bfloat16, which NumPy has not, as void of two bytes."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view("V2")
    return tensor.numpy()


def to_tensor(array: NDArray[Any]) -> Tensor:
    """What :func:`to_array` gave, as a tensor of its own."""
    if array.dtype.kind == "V":
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


# ---- metrics


def metric_to_json(metric: str | Metric) -> Any:
    """A metric as its name, or as its formula."""
    if isinstance(metric, str):
        return metric
    low, high = metric.value_range
    return {
        "name": metric.name,
        "terms": [_tree(term) for term in metric.terms],
        "combine": metric.combine,
        "closer": metric.closer,
        "finish": _tree(metric.finish),
        "matrix": None if metric.matrix is None else np.asarray(metric.matrix).tolist(),
        "value_range": [None if math.isinf(low) else low, None if math.isinf(high) else high],
        "parameters": list(metric.parameters),
    }


def metric_from_json(value: Any) -> str | Metric:
    """What :func:`metric_to_json` wrote."""
    if isinstance(value, str):
        return value
    low, high = value["value_range"]
    return Metric(
        name=value["name"],
        terms=tuple(_expr(term) for term in value["terms"]),
        combine=value["combine"],
        closer=value["closer"],
        finish=_expr(value["finish"]),
        matrix=None if value["matrix"] is None else np.array(value["matrix"], np.float64),
        value_range=(-math.inf if low is None else low, math.inf if high is None else high),
        parameters=tuple((name, number) for name, number in value["parameters"]),
    )


def _tree(expr: Expr) -> list[Any]:
    return [expr.op, expr.value, *map(_tree, expr.args)]


def _expr(tree: list[Any]) -> Expr:
    op, value, *args = tree
    if len(args) != OPS[op][0]:
        raise ValueError(f"{op} has {len(args)} arguments")
    return Expr(op, tuple(map(_expr, args)), value)


# ---- leftovers


def sweep(path: str | os.PathLike[str]) -> None:
    """Remove what a process that was killed while writing left beside a file."""
    path = Path(path)
    with suppress(OSError):
        for left in path.parent.glob(f".{path.name}.*.part"):
            if time.time() - left.stat().st_mtime > _LEFT:
                left.unlink(missing_ok=True)
