"""Product keys: the best of n^2 keys by 2n comparisons, exactly."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
import torch

import likewise as lw
from likewise.errors import DtypeError, InputError, ShapeError, UnknownMetricError
from likewise.nn import ProductKeys
from likewise.nn.product_keys import best_sums

METRICS = ["dot", "cosine", "sqeuclidean", "euclidean", "manhattan", lw.rbf(gamma=0.1), lw.laplacian(gamma=0.1)]
METRICS += [lw.minkowski(3), lw.metric(lambda x, y: abs(x - 2 * y), combine="mean", name="lopsided")]


def name_of(metric):
    return metric if isinstance(metric, str) else metric.name


def rows(seed, *shape, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def product(d=6, n_side=9, *, seed=0, dtype=torch.float64, **settings):
    torch.manual_seed(seed)
    return ProductKeys(d, n_side, **{"top_k": 4, "d_out": 3, "scale": 1.0, "dtype": dtype, **settings})


def check(made, x):
    """The same keys and scores as a search of all keys in full."""
    found = made.keys_for(x)
    wanted = lw.topk(x.numpy(), made.keys().detach().numpy(), made.top_k, metric=made.metric)
    np.testing.assert_array_equal(found.keys[:, 0], wanted.indices)
    sign = 1 if made.metric.closer == "larger" else -1
    tolerance = 1e-12 if x.dtype == torch.float64 else 2e-5
    np.testing.assert_allclose(found.scores[:, 0], sign * wanted.values, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
@pytest.mark.parametrize("d", [2, 7])
def test_the_best_of_all_keys(metric, d):
    made, x = product(d=d, metric=metric), rows(0, 200, d)
    for _ in range(3):  # from bare halves, then from prepared ones
        check(made, x)


def test_ten_thousand_queries():
    made = product(d=32, n_side=64, top_k=16, dtype=torch.float32)
    check(made, rows(1, 10_000, 32, dtype=torch.float32))


@pytest.mark.parametrize("metric", ["dot", "sqeuclidean", "manhattan"])
def test_ties_go_to_the_lowest_key(metric):
    made = product(d=4, n_side=12, top_k=7, metric=metric)
    rng = np.random.default_rng(2)
    with torch.no_grad():
        for half in (made.first, made.second):
            half.copy_(torch.from_numpy(rng.integers(-1, 2, half.shape)))
    x = torch.from_numpy(rng.integers(-1, 2, (300, 4))).double()
    check(made, x)
    values = made._chosen(x, exact=False)[0][:, 0]  # as training chooses
    np.testing.assert_array_equal(values, made.keys_for(x).keys[:, 0])


def test_sums_that_round_alike_keep_their_order():
    a, b = torch.tensor([[1.0, 1.0 - 2**-24]]), torch.tensor([[2**30, 1.0]])  # both a + 2^30 are 2^30
    i, j = best_sums(a, torch.tensor([[5, 0]]), b, torch.tensor([[3, 4]]))
    assert list(zip(i[0].tolist(), j[0].tolist(), strict=True)) == [(5, 3), (0, 3)]


def test_sums_by_fractions():
    rng = np.random.default_rng(3)
    for k in (1, 2, 5, 9):
        a, b = (torch.from_numpy(rng.standard_normal((20, k)).astype(np.float32) * 1000**part) for part in (0, 1))
        a, b = (rows.sort(dim=1, descending=True).values for rows in (a, b))
        i, j = (torch.from_numpy(rng.permuted(np.tile(np.arange(k), (20, 1)), axis=1)) for _ in range(2))
        found = best_sums(a, i, b, j)
        for row in range(20):
            sums = [
                (-Fraction(float(x)) - Fraction(float(y)), int(p), int(q))
                for x, p in zip(a[row], i[row], strict=True)
                for y, q in zip(b[row], j[row], strict=True)
            ]
            wanted = [pair[1:] for pair in sorted(sums)[:k]]
            assert list(zip(found[0][row].tolist(), found[1][row].tolist(), strict=True)) == wanted


@pytest.mark.parametrize("metric", ["dot", "cosine", "manhattan"])
@pytest.mark.parametrize("heads", [1, 3])
def test_the_answer(metric, heads):
    made, x = product(metric=metric, heads=heads), rows(4, 5, 6)
    found = made.keys_for(x)
    assert found.keys.shape == (5, heads, 4)
    queries = x if made.query is None else made.query(x).detach()
    wanted = torch.zeros(5, 3, dtype=torch.float64)
    for head in range(heads):
        part = queries.reshape(5, heads, 6)[:, head]
        scored = torch.from_numpy(lw.pairwise(part.numpy(), made.keys(head).detach().numpy(), metric=metric))
        scored = scored if metric != "manhattan" else -scored
        best = scored.topk(4)
        assert torch.equal(best.indices, found.keys[:, head])
        wanted += torch.einsum("nk,nkp->np", best.values.softmax(-1), made.values.detach()[best.indices])
    out = made(x)
    assert out.requires_grad
    torch.testing.assert_close(out.detach(), wanted)
    with torch.no_grad():
        torch.testing.assert_close(made(x.reshape(5, 1, 6)), wanted[:, None])


@pytest.mark.parametrize("metric", ["dot", "cosine", "sqeuclidean", "manhattan", lw.rbf(gamma=0.1)], ids=name_of)
def test_gradients(metric):
    heads = 2 if metric == "dot" else 1
    made = product(d=4, n_side=4, d_out=2, top_k=3, metric=metric, heads=heads, scale="learned")
    names, parameters = zip(*made.named_parameters(), strict=True)

    def read(x, *given):
        return torch.func.functional_call(made, dict(zip(names, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(read, (rows(5, 2, 4).requires_grad_(), *parameters))


def test_gradients_reach_the_chosen_alone():
    made, x = product(), rows(6, 2, 6)
    made(x).sum().backward()
    chosen = made.keys_for(x).keys.unique()
    reached = made.values.grad.ne(0).any(-1).nonzero()[:, 0]
    assert torch.equal(reached, chosen)
    assert torch.equal(made.first.grad[0].ne(0).any(-1).nonzero()[:, 0], (chosen // 9).unique())


def test_a_row_of_zeros_and_of_nan():
    made, x = product(metric="cosine"), rows(7, 3, 6)
    x[0] = 0
    x[1, 2] = torch.nan
    with torch.no_grad():
        out = made(x)
    assert out.isnan().any(-1).tolist() == [False, True, False]
    assert made.keys_for(x).scores[0].tolist() == [[0.0] * 4]
    assert made.keys_for(x[:0]).keys.shape == (0, 1, 4)
    assert made(x[:0]).shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_numbers(dtype):
    made, x = product(dtype=dtype), rows(8, 6, 6).to(dtype)
    wide = copy.deepcopy(made).double()
    with torch.no_grad():
        assert torch.equal(made.keys_for(x).keys, wide.keys_for(x.double()).keys)
        torch.testing.assert_close(made(x).double(), wide(x.double()), atol=3e-2, rtol=3e-2)
    made(x).float().sum().backward()


def test_it_learns():
    x = rows(10, 16, 8, dtype=torch.float32)
    y = torch.arange(16) % 5
    torch.manual_seed(0)
    made = ProductKeys(8, 16, top_k=8, d_out=5)
    optimiser = torch.optim.Adam(made.parameters(), 0.05)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(made(x), y).backward()
        optimiser.step()
    assert torch.equal(made(x).argmax(-1), y)


def test_copies_and_states():
    made, x = product(heads=2, scale="learned", metric="manhattan"), rows(9, 4, 6)
    made.keys_for(x)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert torch.equal(other(x), made(x))
    other = product(seed=4, heads=2, scale="learned", metric="manhattan")
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(x), made(x))
    assert repr(made).startswith("ProductKeys(\n  d=6, n_side=9, top_k=4, d_out=3, heads=2, metric=manhattan")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"d": 1}, InputError, "d=1 is too small: at least 2 is wanted"),
        ({"n_side": 0}, InputError, "n_side=0 is too small"),
        ({"top_k": 10}, InputError, "top_k=10 of 9 halves a side: at most n_side"),
        ({"heads": 0}, InputError, "heads=0 is too small"),
        ({"heads": 2, "project": False}, InputError, "2 heads with one query would read alike: leave project= out"),
        ({"d_out": "a"}, InputError, "d_out='a' is not a whole number"),
        ({"metric": "manhatan"}, UnknownMetricError, "did you mean 'manhattan'"),
        ({"metric": "hamming"}, InputError, "hamming counts coordinates and has no gradient"),
        ({"metric": "chebyshev"}, InputError, "chebyshev is no monotone function of a sum over coordinates, so the"),
        ({"metric": "correlation"}, InputError, "correlation is no monotone function of a sum over coordinates"),
        ({"metric": "braycurtis"}, InputError, "braycurtis is no monotone function of a sum over coordinates"),
        ({"metric": lw.mahalanobis(np.eye(6))}, InputError, "mahalanobis.* is no monotone function of a sum"),
        ({"activation": "sofmax"}, InputError, "activation='sofmax' is not known; did you mean 'softmax'"),
        ({"scale": 0}, InputError, "scale=0 is neither a number above 0 nor 'learned'"),
    ],
)
def test_settings_that_do_not_fit(settings, error, message):
    with pytest.raises(error, match=message):
        product(**settings)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((2, 6)), InputError, "x is of type ndarray; a torch tensor is wanted"),
        (torch.ones(2, 6).long(), DtypeError, "x holds int64; a floating tensor is wanted"),
        (torch.ones(2, 4), ShapeError, r"x has shape \(2, 4\); the last axis must be d=6"),
        (torch.ones(2, 6), DtypeError, "x holds float32 and values float64; convert one"),
        (torch.ones(2, 6, device="meta").double(), InputError, "x is on meta and values on cpu; move one"),
    ],
)
@pytest.mark.parametrize("verb", ["forward", "keys_for"])
def test_inputs_that_do_not_fit(verb, x, error, message):
    with pytest.raises(error, match=message):
        getattr(product(), verb)(x)


def test_heads_that_are_not_there():
    with pytest.raises(InputError, match="head=2 is not there: heads are numbered 0 to 1"):
        product(heads=2).keys(2)
