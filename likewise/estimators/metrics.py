"""``metric=`` and ``metric_params=`` of an estimator -> a metric, of the direction that the estimator needs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from likewise.errors import InputError, UnknownMetricError
from likewise.formula.metric import Metric, metric
from likewise.formula.metrics import ALIASES, NAMED, as_metric, by_name

#: What says "near" the other way round, for messages.
_OPPOSITE = {
    "euclidean": "'rbf'",
    "sqeuclidean": "'rbf'",
    "mahalanobis": "'rbf' on whitened rows",
    "manhattan": "'laplacian'",
    "angular": "'cosine'",
    "cosine": "'angular'",
    "correlation": "'angular' on centred rows",
    "dot": "'euclidean'",
    "polynomial": "'euclidean'",
    "sigmoid": "'euclidean'",
    "rbf": "'euclidean'",
    "rational_quadratic": "'euclidean'",
    "matern32": "'euclidean'",
    "laplacian": "'manhattan'",
}


def resolve(
    what: Any,
    metric_params: Mapping[str, Any] | None = None,
    *,
    closer: str | None = None,
    needed_by: str = "this estimator",
) -> Metric:
    """The metric that an estimator compares by.

    Parameters
    ----------
    what : str, Metric or callable
        A name of ``lw.metrics``, a metric, a maker of metrics such as ``lw.rbf``, or a Python formula of two numbers.
    metric_params : mapping, optional
        Parameters of a named metric or maker (``{"gamma": 0.5}``, ``{"p": 3}``, ``{"VI": ...}``), or those of a formula
        and of :func:`likewise.metric` (``{"combine": "max"}``). A metric has its parameters already.
    closer : {"smaller", "larger"}, optional
        Which kind is wanted: a distance or a similarity. A bare formula is taken as the one that is wanted. Default:
        either, and a bare formula is a distance.
    needed_by : str
        Who wants it, for the message.

    Returns
    -------
    Metric

    Raises
    ------
    UnknownMetricError
        For a name that is not known, with the nearest ones.
    InputError
        For parameters that the metric does not have, or that stand beside a metric; and for a metric of the wrong kind,
        with one of the right kind.
    TraceError
        For a formula that cannot be traced.

    Examples
    --------
    >>> print(resolve("rbf", {"gamma": 0.5}))
    rbf(gamma=0.5): sum((x - y) * (x - y)), then exp(-(s * 0.5)); larger is closer
    >>> resolve("manhattan", closer="larger", needed_by="KernelRidge")
    Traceback (most recent call last):
    likewise.errors.InputError: KernelRidge needs a similarity, and manhattan is a distance (smaller is closer);
    pass metric='laplacian', or a formula: lw.metric(..., closer='larger')
    """
    found = _made(what, _parameters(metric_params), closer)
    if closer is not None and found.closer != closer:
        raise InputError(_wrong_kind(found, closer, needed_by))
    return found


def _parameters(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"metric_params={given!r} is not a dictionary of parameters such as {{'gamma': 0.5}}")
    return dict(given)


def _made(what: Any, parameters: dict[str, Any], closer: str | None) -> Metric:
    if isinstance(what, Metric):
        if parameters:
            raise InputError(
                f"metric_params={parameters!r} beside {what.name}, which has its parameters already; "
                "pass the metric's name, or set them when making it"
            )
        return what
    name = _name_of(what)
    if name is not None:
        return _of_name(name, parameters)
    if callable(what):
        made: Metric = metric(what, **({"closer": closer} if closer else {}) | parameters)
        return made
    return as_metric(what)  # whose error says what metric= takes


def _name_of(what: Any) -> str | None:
    """The table's own name for a name, alias or maker; a name that is unknown raises."""
    if isinstance(what, str):
        key = what.strip().lower()
        key = ALIASES.get(key, key)
        if key not in NAMED:
            by_name(what)
        return key
    return next((name for name, known in NAMED.items() if what is known), None)


def _of_name(name: str, parameters: dict[str, Any]) -> Metric:
    known = NAMED[name]
    if isinstance(known, Metric):
        if parameters:
            raise InputError(f"metric_params={parameters!r}: {name} has no parameters")
        return known
    takes = inspect.signature(known).parameters
    if unknown := sorted(set(parameters) - set(takes)):
        raise InputError(
            f"metric_params has {', '.join(map(repr, unknown))}, which {name} does not take; "
            f"it takes {', '.join(map(repr, takes))}"
        )
    absent = [p.name for p in takes.values() if p.default is p.empty and p.name not in parameters]
    if absent:
        raise UnknownMetricError(
            f"{name} needs metric_params={{{', '.join(f'{p!r}: ...' for p in absent)}}}, or metric=lw.{name}(...)"
        )
    return known(**parameters)


def _wrong_kind(found: Metric, closer: str, needed_by: str) -> str:
    kinds = {"larger": "a similarity", "smaller": "a distance"}
    name = found.name.partition("(")[0]
    instead = f"metric={_OPPOSITE[name]}, or " if name in _OPPOSITE else ""
    return (
        f"{needed_by} needs {kinds[closer]}, and {found.name} is {kinds[found.closer]} ({found.closer} is closer); "
        f"pass {instead}a formula: lw.metric(..., closer={closer!r})"
    )
