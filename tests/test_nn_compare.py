"""Pairs of rows on tensors: the verbs' values, and gradients of the first and second order."""

import numpy as np
import pytest
import torch

import likewise as lw
from likewise.backends.llvm import slopes
from likewise.backends.llvm.target import host, using
from likewise.errors import DtypeError, InputError, ShapeError
from likewise.formula.derive import derivative, has_gradient
from likewise.formula.expr import X, Y
from likewise.nn import compare, comparison
from likewise.nn.expression import evaluate

FORMULA = lw.metric(lambda x, y, norm_x: abs(x / (1 + norm_x) - y) ** 1.5, name="with_a_norm")
METRICS = {name: lw.metrics[name] for name in lw.metrics}
METRICS |= {"mahalanobis": lw.mahalanobis(np.diag([1.0, 2.0, 0.5, 3.0, 1.0])), "formula": FORMULA}
METRICS |= {"minkowski3": lw.minkowski(3), "smallest": lw.metric(lambda x, y: (x - y) ** 2, combine="min")}
SMOOTH = [name for name, metric in METRICS.items() if has_gradient(metric)]


def rows(seed, *shape, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


@pytest.mark.parametrize("name", METRICS)
def test_values_are_those_of_pairwise(name):
    x, y = rows(0, 7, 5), rows(1, 6, 5)
    x[0] = y[0]
    x[1] = 0
    wanted = lw.pairwise(x.numpy(), y.numpy(), metric=METRICS[name])
    np.testing.assert_allclose(compare(x, y, metric=METRICS[name]).numpy(), wanted, rtol=1e-10, atol=1e-10)
    narrow = compare(x.float(), y.float(), metric=METRICS[name])
    assert narrow.dtype == torch.float32
    np.testing.assert_allclose(narrow.numpy(), wanted, rtol=2e-5, atol=2e-5)
    half = compare(x.bfloat16(), y.bfloat16(), metric=METRICS[name])
    assert half.dtype == torch.bfloat16
    as_given = lw.pairwise(x.bfloat16().double().numpy(), y.bfloat16().double().numpy(), metric=METRICS[name])
    np.testing.assert_allclose(half.float().numpy(), as_given, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_both_orders(name):
    x, y = rows(2, 2, 3, 5).requires_grad_(), rows(3, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: compare(a, b, metric=METRICS[name]), (x, y))
    assert torch.autograd.gradgradcheck(lambda a, b: compare(a, b, metric=METRICS[name]), (x, y))


@pytest.mark.parametrize("name", SMOOTH)
def test_a_row_with_itself_and_rows_of_zeros_have_finite_gradients(name):
    x = rows(4, 4, 5).float()
    x[2] = 0
    x.requires_grad_()
    compare(x, x, metric=METRICS[name]).sum().backward()
    assert torch.isfinite(x.grad).all()


def forward_and_backward(metric, x, y, g):
    a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
    value = compare(a, b, metric=metric)
    value.backward(g)
    return value.detach(), a.grad, b.grad


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(
    ("n", "m", "d", "target"), [(9, 8, 5, "host"), (1, 1, 1, "host"), (2, 65, 40, "host"), (13, 33, 17, "portable")]
)
def test_compiled_kernels_and_plain_blocks_agree(name, n, m, d, target, monkeypatch):
    """The definition in torch, in blocks of any size, is what the compiled kernels compute."""
    metric = METRICS[name]
    if metric.matrix is not None and d != len(metric.matrix):
        return
    for dtype in (torch.float32, torch.float64):
        x, y, g = (rows(seed, *shape, dtype=dtype) for seed, shape in enumerate([(2, n, d), (2, m, d), (2, n, m)]))
        with using(host().name if target == "host" else target):
            compiled = forward_and_backward(metric, x, y, g)
        with monkeypatch.context() as plain:
            plain.setattr(comparison, "_COMPILED", ())
            plain.setattr(comparison, "BLOCK", 37)
            wanted = forward_and_backward(metric, x, y, g)
        for one, other in zip(compiled, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3 if dtype == torch.float32 else 1e-9, atol=1e-3)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(threads):
    x, y, g = rows(5, 3, 200, 20).float(), rows(6, 3, 150, 20).float(), rows(7, 3, 200, 150).float()
    term, slope = lw.metrics["manhattan"].terms[0], derivative(lw.metrics["manhattan"].terms[0], X)
    one = [slopes.pair_sums(term, x.numpy(), y.numpy(), 1), slopes.pulls(slope, g.numpy(), x.numpy(), y.numpy(), 1)]
    many = [slopes.pair_sums(term, x.numpy(), y.numpy(), threads)]
    many += [slopes.pulls(slope, g.numpy(), x.numpy(), y.numpy(), threads)]
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_of_formulas_are_torchs(name):
    metric = METRICS[name]
    for term in metric.terms:
        for leaf in (X, Y):
            x, y = rows(8, 50).requires_grad_(), rows(9, 50).requires_grad_()
            env = {X: x, Y: y} | {s: 0.3 for s in term.leaves() if s.op == "stat"}
            (wanted,) = torch.autograd.grad(evaluate(term, env).sum(), x if leaf == X else y)
            found = evaluate(derivative(term, leaf), env)
            torch.testing.assert_close(torch.as_tensor(found).expand(50).double(), wanted, check_dtype=False)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.ones((2, 3)), torch.ones(2, 3), InputError, "x is of type ndarray; a torch tensor is wanted"),
        (torch.ones(2, 3).long(), torch.ones(2, 3), DtypeError, "x holds int64; a floating tensor is wanted: x.float"),
        (torch.ones(3), torch.ones(2, 3), ShapeError, r"x has shape \(3,\); at least 2 axes are wanted"),
        (torch.ones(2, 3), torch.ones(2, 4), ShapeError, r"x has shape \(2, 3\) and y \(2, 4\); the last axes"),
        (torch.ones(2, 2, 3), torch.ones(3, 2, 3), ShapeError, "the axes before the last two do not broadcast"),
        (torch.ones(2, 3), torch.ones(2, 3).double(), DtypeError, "x holds float32 and y float64; convert one"),
        (torch.ones(2, 3), torch.ones(2, 3, device="meta"), InputError, "x is on cpu and y on meta; move one"),
    ],
)
def test_what_does_not_fit_is_refused(x, y, error, message):
    with pytest.raises(error, match=message):
        compare(x, y, metric="manhattan")


def test_metrics_are_refused_by_name():
    with pytest.raises(lw.errors.UnknownMetricError, match="did you mean 'manhattan'"):
        compare(torch.ones(2, 3), torch.ones(2, 3), metric="manhatan")
    with pytest.raises(ShapeError, match="5 coordinates; these have 3"):
        compare(torch.ones(2, 3), torch.ones(2, 3), metric=METRICS["mahalanobis"])


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_nothing_to_compare(shape):
    x, y = torch.ones(shape, requires_grad=True), torch.ones(2, shape[1])
    value = compare(x, y, metric="manhattan")
    assert value.shape == (shape[0], 2)
    value.sum().backward()
    assert x.grad.shape == x.shape
