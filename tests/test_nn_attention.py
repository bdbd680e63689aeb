"""Attention by any metric: torch's own and the verb's numbers, gradients, masks, grouped heads, caches, memory."""

import copy
import json
import pickle
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import likewise as lw
from benchmarks.memory import CLEAR
from benchmarks.startup import in_process
from likewise.errors import DtypeError, InputError, ShapeError, UnknownMetricError
from likewise.formula.derive import has_gradient
from likewise.nn import Attention, Cache, Dense, Memory, MixtureOfExperts, ProductKeys, attend, blocks, functional
from likewise.nn.products import as_products

NAMED = {name: lw.metrics[name] for name in lw.metrics}
NAMED |= {"mahalanobis": lw.mahalanobis(np.diag([1.0, 2.0, 0.5, 3.0]))}
NAMED |= {"formula": lw.metric(lambda x, y, norm_x: abs(x / (1 + norm_x) - y) ** 1.5, name="formula")}
SMOOTH = [name for name, metric in NAMED.items() if has_gradient(metric)]
FUSED = ("dot", "cosine", "correlation", "sqeuclidean")


def rows(seed, *shape, dtype=torch.float32):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def heads(n=7, m=9, d=4, e=3, dtype=torch.float32):
    return rows(0, 2, 3, n, d, dtype=dtype), rows(1, 2, 3, m, d, dtype=dtype), rows(2, 2, 3, m, e, dtype=dtype)


def mask_for(kind, n, m):
    """A row of a tensor mask lets nothing through."""
    if kind in (None, "causal"):
        return kind
    allowed = torch.from_numpy(np.random.default_rng(3).random((n, m)) < 0.6)
    allowed[:, 0], allowed[2] = True, False
    return allowed if kind == "boolean" else torch.where(allowed, rows(4, 2, 1, n, m), -torch.inf)


@pytest.fixture(params=["whole", "pieces", "engine"])
def route(request, monkeypatch):
    """The same through all pairs at once, in pieces of some, and through likewise.attend."""
    if request.param == "pieces":
        for module, name in ((blocks, "PAIRS"), (blocks, "KEPT"), (functional, "PAIRS")):
            monkeypatch.setattr(module, name, 20)
        monkeypatch.setattr(blocks, "ROWS", 2)
    monkeypatch.setattr(functional, "ENGINE", 0 if request.param == "engine" else 1 << 60)
    return request.param


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize("kind", [None, "causal", "boolean", "additive"])
@pytest.mark.parametrize("name", NAMED)
def test_values_are_those_of_the_verb(name, kind, route):
    q, k, v = heads()
    mask = mask_for(kind, 7, 9)
    wide = [t.double().numpy() for t in (q, k, v)]
    wanted = lw.attend(*wide, metric=NAMED[name], mask=mask.numpy() if isinstance(mask, torch.Tensor) else mask)
    found = attend(q, k, v, metric=NAMED[name], mask=mask)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-5)
    if isinstance(mask, torch.Tensor):
        assert (found[:, :, 2] == 0).all()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(7, 4), (1, 1), (300, 64)])
def test_dot_is_torchs_attention(shape, causal):
    q, k, v = (rows(seed, 2, 3, *shape).requires_grad_() for seed in range(3))
    wanted = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    found = attend(q, k, v, mask="causal" if causal else None)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    pulls = rows(5, *wanted.shape)
    for one, other in zip(*(torch.autograd.grad(t, (q, k, v), pulls) for t in (found, wanted)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mask", [None, "causal"])
def test_squared_distances_are_a_dot_product_with_one_more_coordinate(mask):
    """softmax(-g |q - k|^2) = softmax(2 g q.k - g |k|^2)."""
    q, k, v = (rows(seed, 2, 50, 8) for seed in range(3))
    g = 0.3
    more_q, more_k = torch.cat([2 * g * q, torch.ones(2, 50, 1)], -1), torch.cat([k, -g * (k**2).sum(-1, True)], -1)
    wanted = F.scaled_dot_product_attention(more_q, more_k, v, is_causal=mask == "causal", scale=1.0)
    found = attend(q, k, v, metric="sqeuclidean", scale=g, mask=mask)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("mask", [None, "causal"])
def test_squared_distances_far_from_the_origin(mask):
    """The squares are taken around a centre: at 1,000 plain ones would be off by 0.1."""
    q, k, v = heads(d=8, dtype=torch.float64)
    wanted = lw.attend(q.numpy(), k.numpy(), v.numpy(), metric="sqeuclidean", mask=mask)
    far = [(t + 1000).float().requires_grad_() for t in (q, k)]
    found = attend(*far, v.float(), metric="sqeuclidean", mask=mask)
    np.testing.assert_allclose(found.detach().numpy(), wanted, atol=2e-3)
    with torch.no_grad():
        np.testing.assert_allclose(attend(*far, v.float(), metric="sqeuclidean", mask=mask).numpy(), wanted, atol=2e-3)


def test_who_goes_to_the_fused_attention():
    fused = {name for name, metric in NAMED.items() if as_products(metric, 4)}
    assert fused == set(FUSED)
    weighted = lw.metric(lambda x, y: x * y, closer="larger", finish=lambda s, d: 2 * s / d + 1)
    products = as_products(weighted, 4)
    assert products is not None
    assert (products.slope, products.squares) == (0.5, False)


@pytest.mark.parametrize(("kernel", "distance"), [("rbf", "sqeuclidean"), ("laplacian", "manhattan")])
def test_a_kernel_over_its_sum_is_the_softmax_of_its_logarithm(kernel, distance):
    q, k, v = heads()
    found = attend(q, k, v, metric=kernel, normalizer="kernel")
    torch.testing.assert_close(found, attend(q, k, v, metric=distance, scale=1 / 4), rtol=0, atol=1e-6)
    weights = torch.from_numpy(lw.pairwise(q.numpy(), k.numpy(), metric=kernel)).float()
    torch.testing.assert_close(found, weights / weights.sum(-1, keepdim=True) @ v, rtol=0, atol=1e-6)
    far = attend(q + 1000, k, v, metric=kernel, normalizer="kernel")  # where every kernel is 0 in float32
    assert torch.isfinite(far).all()


def test_kernels_that_are_no_exponential(route):
    q, k, v = heads()
    mask = mask_for("boolean", 7, 9)
    hat = lw.metric(
        lambda x, y: abs(x - y), finish=lambda s: lw.math.maximum(0, 1 - s / 4), closer="larger", value_range=(0, 1)
    )
    for kernel in ("matern32", "rational_quadratic", hat):
        weights = torch.from_numpy(lw.pairwise(q.numpy(), k.numpy(), metric=kernel)).float() * mask
        total = weights.sum(-1, keepdim=True)
        wanted = torch.where(total > 0, weights / torch.where(total > 0, total, 1), 0) @ v
        found = attend(q, k, v, metric=kernel, mask=mask, normalizer="kernel")
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [None, "causal", "boolean", "additive"])
def test_scores_as_they_are_and_without_what_is_negative(kind, route):
    q, k, v = heads()
    mask = mask_for(kind, 7, 9)
    s = q @ k.transpose(-1, -2) / 2
    allowed = torch.ones(7, 9).tril().bool() if kind == "causal" else torch.ones(7, 9).bool()
    if kind == "boolean":
        allowed = mask
    if kind == "additive":
        s, allowed = s + torch.where(mask == -torch.inf, 0, mask), mask != -torch.inf
    s = torch.where(allowed, s, 0)
    torch.testing.assert_close(attend(q, k, v, mask=mask, normalizer="none"), s @ v, rtol=1e-5, atol=1e-5)
    count = allowed.sum(-1, keepdim=True).clamp_min(1)
    found = attend(q, k, v, mask=mask, normalizer="relu")
    torch.testing.assert_close(found, s.relu() / count @ v, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["dot", "sqeuclidean", "manhattan"])
def test_a_scale_of_each_head_that_is_learned(name, route):
    q, k, v = heads()
    scale = torch.tensor([0.5, 1.0, 2.0])[:, None, None].requires_grad_()
    found = attend(q, k, v, metric=name, scale=scale)
    for h in range(3):
        one = attend(q[:, h], k[:, h], v[:, h], metric=name, scale=float(scale.detach()[h]))
        torch.testing.assert_close(found[:, h], one, rtol=0, atol=1e-6)
    found.square().sum().backward()
    step = 1e-3
    more, less = (attend(q, k, v, metric=name, scale=scale.detach() + s).square().sum((0, 2, 3)) for s in (step, -step))
    torch.testing.assert_close(scale.grad.flatten(), (more - less) / (2 * step), rtol=2e-2, atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["dot", "cosine", "sqeuclidean", "manhattan", "rbf", "mahalanobis"])
def test_sixteen_bits(name, dtype):
    q, k, v = (t.to(dtype) for t in heads(40, 40))
    wanted = attend(q.double(), k.double(), v.double(), metric=NAMED[name], mask="causal")
    found = attend(q, k, v, metric=NAMED[name], mask="causal")
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), wanted, rtol=1e-2, atol=1e-2)


def test_nan_passes_through_and_spoils_no_other_query(route):
    q, k, v = heads()
    q[0, 0, 1] = torch.nan
    for name in ("dot", "manhattan"):
        found = attend(q, k, v, metric=name)
        assert found[0, 0, 1].isnan().all()
        assert found.isnan().sum() == 3


@pytest.mark.parametrize("name", ["dot", "manhattan"])
def test_nothing_to_look_at(name):
    q, k, v = torch.ones(2, 3, 4, requires_grad=True), torch.ones(2, 0, 4), torch.ones(2, 0, 5)
    found = attend(q, k, v, metric=name)
    assert found.shape == (2, 3, 5)
    assert (found == 0).all()
    found.sum().backward()
    assert (q.grad == 0).all()
    assert attend(q[:, :0], torch.ones(2, 6, 4), torch.ones(2, 6, 5), metric=name).shape == (2, 0, 5)


# ------------------------------------------------------------------------------------------------ gradients


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_both_orders(name):
    q, k, v = (rows(seed, n, 4, dtype=torch.float64).requires_grad_() for seed, n in ((0, 3), (1, 4), (2, 4)))

    def run(*given):
        return attend(*given, metric=NAMED[name], mask=mask_for("boolean", 3, 4))

    assert torch.autograd.gradcheck(run, (q, k, v))
    assert torch.autograd.gradgradcheck(run, (q, k, v))


@pytest.mark.parametrize("name", ["dot", "cosine", "sqeuclidean", "manhattan", "euclidean", "matern32"])
@pytest.mark.parametrize("kind", ["causal", "additive"])
def test_gradients_of_both_orders_in_pieces(name, kind, monkeypatch):
    for module, attribute in ((blocks, "PAIRS"), (blocks, "KEPT"), (functional, "PAIRS")):
        monkeypatch.setattr(module, attribute, 8)
    monkeypatch.setattr(blocks, "ROWS", 2)
    q, k, v = (rows(seed, 2, n, 2, dtype=torch.float64).requires_grad_() for seed, n in ((0, 3), (1, 4), (2, 4)))
    scale = torch.tensor([[[1.5]], [[0.5]]], dtype=torch.float64, requires_grad=True)
    additive = rows(4, 2, 3, 4, dtype=torch.float64).requires_grad_()

    def run(q, k, v, scale, additive):
        mask = "causal" if kind == "causal" else additive
        return attend(q, k, v, metric=name, scale=scale, mask=mask, offset=1 if kind == "causal" else 0)

    given = (q, k, v, scale, additive if kind == "additive" else additive.detach())
    assert torch.autograd.gradcheck(run, given)
    assert torch.autograd.gradgradcheck(run, given)


@pytest.mark.parametrize("name", ["dot", "cosine", "sqeuclidean", "manhattan", "rbf"])
def test_gradients_where_keys_are_made_of_queries(name):
    """What a second derivative returns is of each argument alone."""
    x = rows(0, 4, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda t: attend(t, t * 2, t, metric=name), (x,))


@pytest.mark.parametrize("name", SMOOTH)
def test_queries_that_see_nothing_carry_no_gradient(name, route):
    q, k, v = (t.requires_grad_() for t in heads(m=7))
    mask = mask_for("boolean", 7, 7)
    attend(q, k, v, metric=NAMED[name], mask=mask).sum().backward()
    assert (q.grad[:, :, 2] == 0).all()
    assert all(torch.isfinite(t.grad).all() for t in (q, k, v))


def test_backward_twice_through_one_graph():
    for name in ("dot", "manhattan"):
        q, k, v = (t.requires_grad_() for t in heads())
        out = attend(q, k, v, metric=name).sum()
        out.backward(retain_graph=True)
        once = q.grad.clone()
        out.backward()
        torch.testing.assert_close(q.grad, 2 * once)


@pytest.mark.parametrize("name", ["dot", "manhattan"])
def test_dropout_is_drawn_again_alike(name, monkeypatch):
    """In pieces, backward meets the weights that forward dropped: its gradients are those of one function."""
    q, k, v = heads(dtype=torch.float64)
    v.requires_grad_()
    monkeypatch.setattr(blocks, "PAIRS", 20)
    monkeypatch.setattr(blocks, "KEPT", 20)
    torch.manual_seed(0)
    out = attend(q, k, v, metric=name, dropout=0.5)
    pull = rows(6, *out.shape, dtype=torch.float64)
    after = torch.get_rng_state()
    out.backward(pull)
    assert torch.equal(torch.get_rng_state(), after)
    torch.testing.assert_close((v.grad * v).sum(), (out * pull).sum())  # linear in v
    plain = attend(q, k, v, metric=name)
    drawn = torch.stack([attend(q, k, v, metric=name, dropout=0.5) for _ in range(400)]).mean(0)
    torch.testing.assert_close(drawn, plain, rtol=0, atol=0.3)


# ------------------------------------------------------------------------------------------------ the layer


def torchs(**options):
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(24, 3, batch_first=True, **options)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return layer


@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_is_torchs(bias):
    layer = torchs(bias=bias)
    mine = Attention.from_torch(layer)
    x, context = rows(0, 2, 6, 24), rows(1, 2, 9, 24)
    padding = torch.zeros(2, 9, dtype=torch.bool)
    padding[1, 5:] = True
    torch.testing.assert_close(mine(x), layer(x, x, x)[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(mine(x[0]), mine(x)[0], rtol=0, atol=1e-6)
    wanted = layer(x, context, context, key_padding_mask=padding)[0]
    torch.testing.assert_close(mine(x, context, key_padding_mask=padding), wanted, rtol=0, atol=1e-5)
    hidden = torch.ones(6, 6).triu(1).bool()  # torch's masks are True where a query may not look
    causal = Attention.from_torch(layer, causal=True)
    torch.testing.assert_close(causal(x), layer(x, x, x, attn_mask=hidden)[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(mine(x, mask=~hidden), causal(x), rtol=0, atol=1e-5)
    torch.testing.assert_close(mine(x, mask="causal"), causal(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["dot", "sqeuclidean", "manhattan"])
def test_causal_and_padded_and_masked(name):
    layer = Attention(24, 3, metric=name, causal=True, scale=0.5)
    x, bias = rows(0, 2, 6, 24), rows(1, 3, 6, 6)
    padding = torch.zeros(2, 6, dtype=torch.bool)
    padding[1, :2] = True  # its first two tokens see nothing
    found = layer(x, key_padding_mask=padding, mask=bias)
    short = layer(x[1:, 2:], mask=bias[:, 2:, 2:])
    torch.testing.assert_close(found[1:, 2:], short, rtol=0, atol=1e-5)
    torch.testing.assert_close(found[1, :2], layer.out_proj.bias.expand(2, -1), rtol=0, atol=1e-6)
    added = torch.zeros(2, 6).masked_fill(padding, -torch.inf)
    torch.testing.assert_close(layer(x, key_padding_mask=added, mask=bias), found, rtol=0, atol=1e-6)
    found.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


@pytest.mark.parametrize("name", SMOOTH)
def test_later_tokens_change_nothing_before_and_a_cache_changes_nothing(name, route):
    metric = NAMED[name]
    layer = Attention(8, 2, metric=metric, causal=True).requires_grad_(False)
    x = rows(0, 2, 12, 8)
    whole = layer(x)
    later = x.clone()
    later[:, 7:] += rows(1, 2, 5, 8)
    if route != "engine":
        assert torch.equal(layer(later)[:, :7], whole[:, :7])
    cache = Cache(step=2)
    parts = [layer(x[:, a:b], cache=cache) for a, b in ((0, 5), (5, 6), (6, 7), (7, 12))]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["dot", "sqeuclidean", "manhattan", "mahalanobis"])
@pytest.mark.parametrize("kv_heads", [1, 2])
@pytest.mark.parametrize("scale", [None, "learned"])
def test_grouped_heads(name, kv_heads, scale):
    """Each head of keys serves its group: the same as keys repeated."""
    few = Attention(32, 4, metric=name, kv_heads=kv_heads, causal=True, scale=scale)
    many = Attention(32, 4, metric=name, causal=True, scale=scale)
    state = dict(few.state_dict())
    for part in ("k_proj.weight", "v_proj.weight", "k_proj.bias", "v_proj.bias"):
        by_head = state[part].unflatten(0, (kv_heads, 8))
        state[part] = by_head.repeat_interleave(4 // kv_heads, 0).flatten(0, 1)
    if "matrix" in state:
        state["matrix"] = state["matrix"].repeat_interleave(4 // kv_heads, 0)
    many.load_state_dict(state)
    x, bias = rows(0, 2, 10, 32), rows(1, 2, 4, 10, 10)
    torch.testing.assert_close(few(x), many(x), rtol=0, atol=1e-5)
    torch.testing.assert_close(few(x, mask=bias), many(x, mask=bias), rtol=0, atol=1e-5)
    with torch.no_grad():
        cache = Cache()
        parts = [few(x[:, i : i + 1], cache=cache) for i in range(10)]
        torch.testing.assert_close(torch.cat(parts, 1), many(x), rtol=0, atol=1e-5)
        assert cache.keys.shape == (2, kv_heads, 10, 8)


def test_a_learned_matrix_begins_as_none():
    x = rows(0, 2, 6, 24)
    for name, metric in (("mahalanobis", "euclidean"), ("sqeuclidean", "sqeuclidean")):
        torch.manual_seed(0)
        plain = Attention(24, 3, metric=metric)
        torch.manual_seed(0)
        learned = Attention(24, 3, metric=name, matrix=True)
        torch.testing.assert_close(learned(x), plain(x), rtol=0, atol=1e-6)
        learned(x).square().sum().backward()
        assert (learned.matrix.grad != 0).any()


def test_the_default_scale_makes_scores_vary_by_one():
    assert Attention(64, 1).scale == 64**-0.5
    x, y = rows(0, 50, 64), rows(1, 400, 64)
    for name in ("manhattan", "euclidean", "sqeuclidean", "cosine", "rbf"):
        scale = Attention(64, 1, metric=name).scale
        assert 0.9 < (scale * lw.nn.compare(x, y, metric=name)).std(-1).mean() < 1.1
    learned = Attention(64, 2, metric="manhattan", scale="learned")
    torch.testing.assert_close(learned.scale, torch.full((2,), Attention(64, 2, metric="manhattan").scale))
    assert Attention(64, 2, metric="rbf", normalizer="kernel").scale == 1.0


@pytest.mark.parametrize("name", ["dot", "sqeuclidean", "manhattan"])
def test_autocast(name):
    layer = Attention(24, 3, metric=name, causal=True)
    x = rows(0, 2, 10, 24)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x), rtol=1e-2, atol=1e-2)
    found.float().sum().backward()
    assert layer.q_proj.weight.grad.dtype == torch.float32


def test_states_copies_and_pickles():
    layer = Attention(24, 3, metric=lw.rbf(0.3), kv_heads=1, scale="learned", matrix=True)
    x = rows(0, 2, 5, 24)
    other = Attention(24, 3, metric=lw.rbf(0.3), kv_heads=1, scale="learned", matrix=True)
    other.load_state_dict(layer.state_dict())
    for one in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(one(x), layer(x))


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_layers_give_the_same():
    x = rows(0, 2, 5, 24)
    for name in ("dot", "manhattan"):
        layer = Attention(24, 3, metric=name)
        torch.testing.assert_close(torch.compile(layer, backend="eager")(x), layer(x), rtol=0, atol=1e-6)
    others = [Dense(24, 3, metric="manhattan"), Memory(24, 8, 3, metric="manhattan")]
    others += [Memory(24, 32, 3, metric="euclidean", activation="softmax", top_k=4)]
    others += [ProductKeys(24, 8, top_k=4, d_out=3, metric="manhattan"), MixtureOfExperts(24, 4, hidden=8)]
    for layer in others:
        torch.testing.assert_close(torch.compile(layer, backend="eager")(x), layer(x), rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # the tracer's own
def test_traced_layers_keep_no_answers():
    layers = [Attention(24, 3, metric="manhattan"), Memory(24, 32, 3, metric="manhattan", top_k=4)]
    layers += [ProductKeys(24, 8, top_k=4, d_out=3, metric="manhattan")]
    x, y = rows(0, 1, 300, 24), rows(1, 1, 300, 24)  # so many that the engine would attend
    with torch.no_grad():
        for layer in layers:
            traced = torch.jit.trace(layer.eval(), x, check_trace=False)
            torch.testing.assert_close(traced(y), layer(y), rtol=0, atol=1e-5)


def test_dropout_is_for_training():
    layer = Attention(24, 3, dropout=0.5)
    x = rows(0, 2, 5, 24)
    torch.manual_seed(0)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


# ------------------------------------------------------------------------------------------------ memory


@pytest.mark.skipif(not CLEAR.exists(), reason="only Linux tells how much memory a process held")
def test_memory_is_linear_in_the_length():
    """At 6,144 tokens one matrix of all pairs would be 151 MB, and softmax's backward has three."""
    for name, limit in {"sqeuclidean": 90, "manhattan": 250}.items():  # malloc holds on to some blocks
        found = json.loads(in_process("-m", "benchmarks.attention_training", name, "6144", "2"))
        assert found["beyond"] < limit * 1e6, name


# ------------------------------------------------------------------------------------------------ caches


def test_caches_grow_crop_and_begin_anew():
    cache = Cache(step=4)
    assert repr(cache) == "Cache(length=0, capacity=0)"
    assert cache.keys is None
    made = [rows(i, 2, 3, n, 5) for i, n in enumerate((3, 1, 7))]
    for one in made:
        keys, values = cache.append(one, one + 1)
    assert torch.equal(keys, torch.cat(made, -2))
    assert torch.equal(values, keys + 1)
    assert (cache.length, cache.capacity) == (11, 12)
    cache.crop(4)
    assert torch.equal(cache.keys, torch.cat(made[:2], -2))
    cache.reset()
    assert (cache.length, cache.capacity) == (0, 0)
    cache.append(torch.ones(1, 1, 1, 1).double(), torch.ones(1, 1, 1, 2).double())


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (
            torch.ones(1, 2, 1, 4),
            ShapeError,
            r"the cache holds keys of \(batch, heads, d\) = \(2, 2, 4\), these are of",
        ),
        (torch.ones(2, 2, 1, 4).double(), DtypeError, "cache holds float32 and keys float64; convert one"),
        (torch.ones(2, 2, 1, 4, device="meta"), InputError, "cache is on cpu and keys on meta; move one"),
        (torch.ones(2, 2, 1), ShapeError, r"keys has shape \(2, 2, 1\); at least 4 axes are wanted"),
        (torch.ones(2, 2, 1, 4, requires_grad=True), InputError, "a cache keeps no gradients; call the model under"),
    ],
)
def test_caches_refuse_what_does_not_fit(keys, error, message):
    cache = Cache()
    cache.append(torch.ones(2, 2, 3, 4), torch.ones(2, 2, 3, 4))
    with pytest.raises(error, match=message):
        cache.append(keys, keys)
    assert cache.length == 3


def test_caches_refuse_what_is_no_number():
    with pytest.raises(InputError, match=r"^step=0 is too small: at least 1 is wanted$"):
        Cache(step=0)
    with pytest.raises(InputError, match=r"^length=2 is more than the 0 tokens that the cache holds$"):
        Cache().crop(2)
    with pytest.raises(
        ShapeError, match=r"keys have shape \(1, 1, 2, 3\) and values \(1, 1, 1, 3\); one value per key"
    ):
        Cache().append(torch.ones(1, 1, 2, 3), torch.ones(1, 1, 1, 3))


# ------------------------------------------------------------------------------------------------ refusals

Q = torch.ones(2, 3, 4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"q": np.ones((3, 4))}, InputError, "q is of type ndarray; a torch tensor is wanted: torch.as_tensor(q)"),
        ({"k": Q.long()}, DtypeError, "k holds int64; a floating tensor is wanted: k.float()"),
        ({"v": Q.double()}, DtypeError, "q holds float32 and v float64; convert one: v.to(q.dtype)"),
        ({"k": Q.to("meta")}, InputError, "q is on cpu and k on meta; move one: .to(q.device)"),
        ({"v": Q[0, 0]}, ShapeError, "v has shape (4,); at least 2 axes are wanted"),
        (
            {"k": Q[..., :2]},
            ShapeError,
            "q has shape (2, 3, 4) and k (2, 3, 2); the last axes must be equal, and not 0",
        ),
        ({"v": Q[:, :1]}, ShapeError, "v has shape (2, 1, 4); one row per key is wanted, and k has 3"),
        (
            {"q": torch.ones(3, 3, 4)},
            ShapeError,
            "q has shape (3, 3, 4), k (2, 3, 4) and v (2, 3, 4); the axes before the last two do not broadcast",
        ),
        ({"metric": "manhatan"}, UnknownMetricError, "no metric is called 'manhatan'; did you mean 'manhattan', "),
        ({"metric": lw.mahalanobis(np.eye(3))}, ShapeError, "mahalanobis's matrix is for vectors of 3 coordinates"),
        ({"scale": "big"}, InputError, "scale='big' is not a number"),
        ({"scale": float("nan")}, InputError, "scale=nan is not finite"),
        ({"scale": torch.ones(3)}, ShapeError, "scale has shape (3,); it must broadcast to (2, 1, 1)"),
        ({"scale": torch.ones((), dtype=torch.int32)}, InputError, "scale holds int32; floating numbers are wanted"),
        ({"scale": torch.ones((), device="meta")}, InputError, "scale is on meta and q on cpu; move one"),
        ({"mask": "later"}, InputError, "mask='later' is not known; it is 'causal', a boolean or an additive tensor"),
        ({"mask": [[True]]}, InputError, "mask is of type list; None, 'causal' or a torch tensor is wanted"),
        ({"mask": Q.int()}, DtypeError, "mask holds int32; boolean (True = may look) or floating (added) is wanted"),
        ({"mask": torch.ones(3, 4)}, ShapeError, "mask has shape (3, 4); it must broadcast to (2, 3, 3)"),
        ({"mask": torch.ones(3, 3, device="meta")}, InputError, "mask is on meta and q on cpu; move one"),
        ({"mask": torch.full((3, 3), torch.nan)}, InputError, "mask holds NaN or +infinity; -infinity hides a key"),
        ({"normalizer": "max"}, InputError, "normalizer='max' is not known; it is one of 'softmax', 'kernel', 'relu'"),
        (
            {"normalizer": "kernel"},
            InputError,
            "normalizer='kernel' wants a similarity that is never negative, such as 'rbf' or 'laplacian'; dot is none",
        ),
        (
            {"normalizer": "relu", "metric": "manhattan"},
            InputError,
            "normalizer='relu' makes 0 of negated distances, and manhattan is one; take 'softmax'",
        ),
        ({"dropout": 1.0}, InputError, "dropout=1.0 is out of range: at least 0 and below 1 is wanted"),
        ({"dropout": "much"}, InputError, "dropout='much' is not a number"),
        ({"offset": -1}, InputError, "offset=-1 is not a whole number of at least 0"),
    ],
)
def test_what_does_not_fit_is_refused(changes, error, message):
    given = {"q": Q, "k": Q, "v": Q} | changes
    with pytest.raises(error) as failure:
        attend(given.pop("q"), given.pop("k"), given.pop("v"), **given)
    assert str(failure.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"embed_dim": 10}, InputError, "embed_dim=10 is no multiple of num_heads=4"),
        ({"kv_heads": 3}, InputError, "num_heads=4 is no multiple of kv_heads=3"),
        ({"num_heads": 0}, InputError, "num_heads=0 is too small: at least 1 is wanted"),
        ({"num_heads": 2.0}, InputError, "num_heads=2.0 is not a whole number"),
        ({"metric": "hamming"}, InputError, "hamming counts coordinates and has no gradient, so nothing would be"),
        ({"metric": "hemming"}, UnknownMetricError, "no metric is called 'hemming'; did you mean 'hamming'?"),
        ({"metric": lw.mahalanobis(np.eye(3))}, ShapeError, "mahalanobis's matrix is for vectors of 3 coordinates"),
        ({"scale": "free"}, InputError, "scale='free' is not known; it is a number or 'learned'"),
        ({"scale": float("inf")}, InputError, "scale=inf is not finite"),
        ({"dropout": -0.1}, InputError, "dropout=-0.1 is out of range: at least 0 and below 1 is wanted"),
        ({"normalizer": "max"}, InputError, "normalizer='max' is not known"),
        ({"dtype": torch.int64}, DtypeError, "dtype=int64 cannot be learned in; a floating one is wanted"),
        ({"context_dim": 0}, InputError, "context_dim=0 is too small"),
    ],
)
def test_layers_that_cannot_be(options, error, message):
    with pytest.raises(error) as failure:
        Attention(**({"embed_dim": 16, "num_heads": 4} | options))
    assert str(failure.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((np.ones((2, 16)),), InputError, "x is of type ndarray; a torch tensor is wanted"),
        ((torch.ones(2, 5),), ShapeError, "x has shape (2, 5); (batch, length, 16) or (length, 16) is wanted"),
        ((torch.ones(1, 1, 2, 16),), ShapeError, "x has shape (1, 1, 2, 16); (batch, length, 16) or"),
        ((torch.ones(2, 16).double(),), DtypeError, "x holds float64 and the layer float32; convert one: layer.to"),
        ((torch.ones(2, 16, device="meta"),), InputError, "x is on meta and the layer on cpu; move one"),
        ((torch.ones(2, 16), torch.ones(2, 5)), ShapeError, "context has shape (2, 5); (batch, length, 16) or"),
        ((torch.ones(2, 16), torch.ones(1, 2, 16)), ShapeError, "x has shape (2, 16) and context (1, 2, 16); as many"),
        (
            (torch.ones(2, 3, 16), torch.ones(1, 2, 16)),
            ShapeError,
            "x has shape (2, 3, 16) and context (1, 2, 16); as many sequences are wanted",
        ),
    ],
)
def test_tensors_that_do_not_fit_a_layer(given, error, message):
    with pytest.raises(error) as failure:
        Attention(16, 4)(*given)
    assert str(failure.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mask": torch.ones(3, 4)}, ShapeError, "mask has shape (3, 4); it must broadcast to (2, 4, 3, 3)"),
        ({"mask": "all"}, InputError, "mask='all' is not known; it is 'causal', a boolean or an additive tensor"),
        ({"key_padding_mask": torch.ones(3, 3).bool()}, ShapeError, "key_padding_mask has shape (3, 3); it must"),
        ({"key_padding_mask": [True]}, InputError, "key_padding_mask is of type list; None, 'causal' or a torch"),
        ({"cache": {}}, InputError, "cache is of type dict; likewise.nn.Cache() is wanted"),
        ({"cache": Cache()}, InputError, "a cache keeps no gradients; call the model under torch.no_grad()"),
    ],
)
def test_options_that_do_not_fit_a_layer(options, error, message):
    with pytest.raises(error) as failure:
        Attention(16, 4)(torch.ones(2, 3, 16), **options)
    assert str(failure.value).startswith(message)


def test_layers_of_torch_that_have_more():
    with pytest.raises(InputError, match=r"^layer is of type Linear; a torch.nn.MultiheadAttention is wanted$"):
        Attention.from_torch(torch.nn.Linear(2, 2))
    with pytest.raises(InputError, match=r"^layer has kdim, vdim, add_bias_kv or add_zero_attn"):
        Attention.from_torch(torch.nn.MultiheadAttention(8, 2, kdim=4))


def test_other_widths_of_context():
    layer = Attention(16, 4, context_dim=6)
    assert layer(torch.ones(3, 16), torch.ones(5, 6)).shape == (3, 16)
    with pytest.raises(ShapeError, match=r"^x has shape \(3, 16\); with context_dim=6 give context, too$"):
        layer(torch.ones(3, 16))


def test_it_loads_without_the_estimators():
    code = "import sys; import likewise.nn; print('sklearn' in sys.modules, 'likewise.estimators' in sys.modules)"
    assert in_process("-c", code).split() == ["False", "False"]
    assert "torch" in sys.modules
