"""Memories: the feed-forward layer, sparse reading, looking inside, and changes that change nothing else."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import likewise as lw
from likewise.errors import DtypeError, InputError, ShapeError, UnknownMetricError
from likewise.nn import Memory, select
from likewise.nn.activation import ACTIVATIONS

METRICS = ["dot", "cosine", "sqeuclidean", "euclidean", "manhattan", "chebyshev", lw.rbf(gamma=0.1), lw.minkowski(3)]
METRICS += [lw.mahalanobis(np.diag([1.0, 2.0, 0.5, 3.0, 1.0])), lw.metric(lambda x, y: abs(x - 2 * y), name="lopsided")]


def name_of(metric):
    return metric if isinstance(metric, str) else metric.name


def rows(seed, *shape, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def memory(d=5, n_keys=12, d_out=3, *, seed=0, dtype=torch.float64, **settings):
    torch.manual_seed(seed)
    made = Memory(d, n_keys, d_out, dtype=dtype, **settings)
    with torch.no_grad():
        made.values.mul_(3)
    return made


# ---- reading


@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh", "identity"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_feed_forward_layer_is_a_memory(activation, bias):
    modules = {"gelu_tanh": nn.GELU("tanh"), "gelu": nn.GELU(), "silu": nn.SiLU(), "relu": nn.ReLU()}
    module = (
        modules.get(activation) or {"sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "identity": nn.Identity()}[activation]
    )
    torch.manual_seed(1)
    ffn = nn.Sequential(nn.Linear(8, 32, bias=bias), module, nn.Linear(32, 6))
    x = rows(1, 2, 9, 8, dtype=torch.float32)
    made = Memory.from_ffn(ffn)
    assert made.activation == activation
    torch.testing.assert_close(made(x), ffn(x), atol=1e-5, rtol=1e-5)
    back = made.to_ffn()
    assert type(back[1]) is type(module)
    torch.testing.assert_close(back(x), ffn(x), atol=1e-5, rtol=1e-5)
    for one, other in zip(back.parameters(), ffn.parameters(), strict=True):
        assert torch.equal(one, other)
    made.values.data.zero_()  # a copy
    assert ffn[2].weight.abs().max() > 0


def test_a_scale_goes_into_the_layer():
    made, x = memory(scale=2.5), rows(2, 4, 5)
    torch.testing.assert_close(made.to_ffn()(x), made(x))


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
def test_the_definition(metric):
    made, x = memory(metric=metric, activation="gelu", scale="learned"), rows(3, 7, 5)
    with torch.no_grad():
        made.key_bias.copy_(rows(4, 12))
        made.log_scale.fill_(0.3)
    found = as_metric = lw.pairwise(x.numpy(), made.keys.detach().numpy(), metric=metric)
    sign = 1 if made.metric.closer == "larger" else -1
    found = sign * np.exp(0.3) * torch.from_numpy(as_metric) + made.key_bias
    torch.testing.assert_close(made.scores(x), found)
    wanted = torch.nn.functional.gelu(found) @ made.values + made.bias
    torch.testing.assert_close(made(x), wanted)
    torch.testing.assert_close(made(x.reshape(7, 1, 5)), wanted[:, None])
    torch.testing.assert_close(made(x[0]), wanted[0])


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
@pytest.mark.parametrize("bias", ["none", "equal", "any"])
def test_sparse_reading_is_dense_reading_with_the_others_zeroed(metric, bias):
    made = memory(metric=metric, activation="gelu", bias=bias != "none", top_k=4)
    x = rows(5, 9, 5)
    with torch.no_grad():
        if bias == "any":
            made.key_bias.add_(rows(6, 12))
        elif bias == "equal":
            made.key_bias.fill_(0.7)
    scored = made.scores(x).detach()
    order = torch.sort(scored, descending=True, stable=True).indices[:, :4]
    kept = torch.zeros_like(scored).scatter(1, order, 1.0)
    weights = torch.nn.functional.gelu(scored) * kept
    wanted = weights @ made.values.detach() + (made.bias.detach() if bias != "none" else 0)
    learning = made(x)
    assert learning.requires_grad
    torch.testing.assert_close(learning.detach(), wanted)
    torch.testing.assert_close(made.activations(x).detach(), weights)
    with torch.no_grad():
        for _ in range(3):  # found from bare rows, then from prepared ones
            torch.testing.assert_close(made(x), wanted)


def test_gradients_reach_the_chosen_alone():
    made, x = memory(metric="manhattan", top_k=3), rows(7, 2, 5).requires_grad_()
    made(x).sum().backward()
    chosen = made.activations(x).ne(0).any(0)
    named = torch.zeros(12, dtype=torch.bool)
    named[made.keys_for(x, 3).keys.unique()] = True
    for parameter in (made.keys, made.values, made.key_bias):
        reached = parameter.grad.reshape(12, -1).ne(0).any(1)
        assert not reached[~named].any()
        assert torch.equal(reached, chosen)


@pytest.mark.parametrize("metric", ["dot", "cosine", "sqeuclidean", "manhattan", lw.rbf(gamma=0.1)], ids=name_of)
@pytest.mark.parametrize("top_k", [None, 4])
def test_gradients(metric, top_k):
    made = memory(n_keys=8, metric=metric, activation="gelu", top_k=top_k, scale="learned")
    names, parameters = zip(*made.named_parameters(), strict=True)

    def read(x, *given):
        return torch.func.functional_call(made, dict(zip(names, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(read, (rows(8, 3, 5).requires_grad_(), *parameters))
    if top_k is None:
        assert torch.autograd.gradgradcheck(read, (rows(8, 3, 5).requires_grad_(), *parameters))


@pytest.mark.parametrize("top_k", [None, 3])
def test_blocks_change_nothing(top_k, monkeypatch):
    made, x = memory(metric="manhattan", top_k=top_k), rows(9, 20, 5)

    def run():
        made.zero_grad()
        out = made(x)
        out.square().sum().backward()
        with torch.no_grad():
            alone = made(x)
        return out.detach(), alone, made.keys.grad, made.values.grad, *made.keys_for(x, 5)

    whole = run()
    monkeypatch.setattr(select, "BLOCK", 30)
    monkeypatch.setattr("likewise.nn.memory.BLOCK", 30)
    for one, other in zip(whole, run(), strict=True):
        torch.testing.assert_close(one, other)


def test_ties_go_to_the_lowest_key():
    made = memory(n_keys=9, top_k=4, activation="identity", scale=1.0, metric="sqeuclidean")
    with torch.no_grad():
        made.keys.copy_(torch.ones(9, 5))
        made.keys[7] = 0
    x = torch.zeros(2, 5, dtype=torch.float64)
    assert made.keys_for(x, 4).keys.tolist() == [[7, 0, 1, 2]] * 2
    assert made(x).requires_grad
    assert made.activations(x).ne(0).nonzero()[:, 1].tolist() == [0, 1, 2, 7] * 2


def test_best_is_a_stable_sort():
    scores = torch.randint(0, 5, (200, 17), generator=torch.Generator().manual_seed(0)).float()
    for k in (1, 2, 9, 17):
        assert torch.equal(select.best(scores, k), scores.sort(dim=-1, descending=True, stable=True).indices[:, :k])


def test_keys_written_by_any_hand_are_seen():
    made, x = memory(top_k=2, metric="manhattan", dtype=torch.float32), rows(10, 3, 5, dtype=torch.float32)
    with torch.no_grad():
        made(x), made(x)
        made.keys.data[:] = made.keys.data.flip(0)  # no counter of versions knows
        assert torch.equal(made.keys_for(x, 2).keys, select.best(made.scores(x), 2))


@pytest.mark.parametrize("metric", ["dot", "manhattan"])
@pytest.mark.parametrize("bias", ["equal", "any"])
def test_the_best_keys_are_those_of_float64(metric, bias):
    made = Memory(16, 400, 3, metric=metric, top_k=8, scale=1.0)
    with torch.no_grad():
        made.key_bias.copy_(rows(50, 400) if bias == "any" else torch.ones(400))
        made.keys[200:] = made.keys[:200] * (1 + 1e-7)  # float32 cannot tell all of their scores
        x = rows(51, 60, 16, dtype=torch.float32)
        wanted = copy.deepcopy(made).double().scores(x.double()).sort(dim=-1, descending=True, stable=True).indices
        assert torch.equal(made.keys_for(x, 8).keys, wanted[:, :8])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("top_k", [None, 3])
def test_narrow_numbers(dtype, top_k):
    wide = memory(metric="manhattan", top_k=top_k, activation="softmax")
    with torch.no_grad():
        wide.to(dtype).double()
    narrow, x = copy.deepcopy(wide).to(dtype), rows(11, 6, 5).to(dtype)
    out = narrow(x)
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), wide(x.double()), atol=3e-2, rtol=3e-2)
    out.float().sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(narrow(x), out)


def test_autocast():
    made, x = memory(dtype=torch.float32), rows(11, 6, 5, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(made(x.bfloat16()).float(), made(x).float(), atol=5e-2, rtol=5e-2)


@pytest.mark.parametrize("top_k", [None, 2])
def test_nan_is_seen_in_its_row_alone(top_k):
    made, x = memory(top_k=top_k), rows(12, 4, 5)
    x[1, 2] = torch.nan
    with torch.no_grad():
        for out in (made(x), made(x)):
            assert out.isnan().all(-1).tolist() == [False, True, False, False]


@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean", "manhattan", lw.rbf(gamma=0.02)], ids=name_of)
def test_scores_of_normal_rows_are_in_range(metric):
    torch.manual_seed(0)
    made = Memory(64, 256, metric=metric)
    scored = made.scores(torch.randn(200, 64)).detach()
    assert abs(float(scored.mean())) < 0.2
    assert 0.3 < float(scored.std()) < 1.3
    assert 0.3 < float((made.activations(torch.randn(200, 64)) > 0).float().mean()) < 0.7


@pytest.mark.parametrize("metric", ["dot", "cosine", "manhattan", lw.rbf(gamma=0.5)], ids=name_of)
def test_a_memory_learns(metric):
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = torch.tensor([0, 1, 1, 0])
    torch.manual_seed(0)
    made = Memory(2, 16, 2, metric=metric, activation="gelu", scale="learned")
    optimiser = torch.optim.Adam(made.parameters(), 0.05)
    for _ in range(200):
        optimiser.zero_grad()
        nn.functional.cross_entropy(made(x), y).backward()
        optimiser.step()
    assert made(x).argmax(-1).tolist() == y.tolist()


# ---- looking inside


def test_which_keys_answer():
    made, x = memory(metric="euclidean", activation="relu"), rows(13, 4, 5)
    found = made.keys_for(x, 3)
    wanted = lw.topk(x.numpy(), made.keys.detach().numpy(), 3, metric="euclidean")
    np.testing.assert_array_equal(found.keys, wanted.indices)
    torch.testing.assert_close(found.scores, made.scores(x).detach().gather(1, found.keys))
    torch.testing.assert_close(found.activations, found.scores.relu())
    assert not found.scores.requires_grad
    assert made.keys_for(x[0], 99).keys.shape == (12,)
    assert made.keys_for(x[:0], 2).keys.shape == (0, 2)


def test_what_a_key_answers_to():
    made, x = memory(metric="lopsided" and METRICS[-1]), rows(14, 9, 5)
    found = made.inputs_for(4, x, 3, labels="abcdefghi")
    order = made.scores(x)[:, 4].sort(dim=-1, descending=True).indices[:3].tolist()
    assert found.inputs.tolist() == order
    assert found.labels == ["abcdefghi"[i] for i in order]
    torch.testing.assert_close(found.scores, made.scores(x)[order, 4].detach())
    assert made.inputs_for(0, x, 20).inputs.shape == (9,)
    assert made.inputs_for(0, x[:0]).inputs.shape == (0,)


# ---- changes


@pytest.mark.parametrize("metric", ["dot", "manhattan", lw.rbf(gamma=0.1)], ids=name_of)
@pytest.mark.parametrize(("activation", "top_k"), [("relu", None), ("gelu", None), ("relu", 4), ("softmax", 4)])
@pytest.mark.parametrize("others", [False, True])
def test_an_input_gets_its_answer(metric, activation, top_k, others):
    made, x = memory(metric=metric, activation=activation, top_k=top_k), rows(15, 5)
    rest, wanted, state = rows(16, 40, 5), rows(17, 3), copy.deepcopy(made.state_dict())
    change = made.edit(x, wanted, others=rest if others else None)
    torch.testing.assert_close(made(x).detach(), wanted)
    torch.testing.assert_close(change.after, wanted)
    answering = made.activations(x).ne(0).nonzero()[:, 0].tolist()
    assert list(change.keys) == answering
    same = [j for j in range(12) if j not in answering]
    assert torch.equal(made.values[same], state["values"][same])
    change.undo()
    assert all(torch.equal(v, state[name]) for name, v in made.state_dict().items())


def test_several_inputs_at_once():
    made, x, wanted = memory(n_keys=40, activation="gelu"), rows(18, 4, 5), rows(19, 4, 3)
    change = made.edit(x, wanted)
    torch.testing.assert_close(made(x).detach(), wanted)
    assert change.before.shape == change.after.shape == (4, 3)
    with pytest.raises(InputError, match="no change of values gives these answers: the same keys answer to several"):
        made.edit(x[[0, 0]], wanted[:2])
    torch.testing.assert_close(made(x).detach(), wanted)


def test_others_are_spared():
    made, x, rest = memory(n_keys=30, activation="gelu"), rows(20, 5), rows(21, 300, 5)
    before, wanted = made(rest).detach(), 10 * rows(22, 3)
    moved: dict[str, float] = {}
    for name, others in (("none", None), ("given", rest)):
        change = made.edit(x, wanted, others=others)
        moved[name] = float((made(rest).detach() - before).square().mean())
        change.undo()
    assert moved["given"] < 0.7 * moved["none"]


@pytest.mark.parametrize("count", [0, 1, 12, 29, 30, 200])
def test_the_change_is_the_least_disturbing_one(count):
    """The definition: u of u^T C u least with u^T a = 1, whichever way it is computed."""
    made, x, rest = memory(n_keys=30, activation="silu"), rows(44, 5), rows(45, count, 5)
    a, b = made.activations(x).detach(), made.activations(rest).detach()
    c = b.T @ b
    c += 0.1 * (c.diagonal().mean() if count else 1.0) * torch.eye(30)
    u = torch.linalg.solve(c, a)
    u /= a @ u
    lacks = rows(46, 3) - made(x).detach()
    wanted = made.values.detach() + u[:, None] * lacks
    made.edit(x, rows(46, 3), others=rest, ridge=0.1)
    torch.testing.assert_close(made.values.detach(), wanted)


def test_the_value_of_a_key():
    made, wanted = memory(), rows(23, 3)
    was = made.values[4].detach().clone()
    change = made.edit(4, wanted)
    assert torch.equal(made.values[4].detach(), wanted)
    assert torch.equal(change.before, was)
    assert str(change).startswith("edited value 4; the answer moved by ")
    made.edit(torch.tensor(4), was)
    with pytest.raises(InputError, match=r"changed since it edited value 4.*undo the latest change"):
        change.undo()


@pytest.mark.parametrize("metric", ["dot", "cosine", "manhattan", "euclidean", lw.rbf(gamma=0.1)], ids=name_of)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_new_key_answers_to_its_input(metric, activation):
    made, x, rest = memory(metric=metric, activation=activation), 3 * rows(24, 5), rows(25, 50, 5)
    state, before, wanted = copy.deepcopy(made.state_dict()), made(rest).detach(), rows(26, 3)
    change = made.add(x, wanted, others=torch.cat([rest, x[None]]))
    assert made.n_keys == 13
    assert change.keys == (12,)
    torch.testing.assert_close(made(x).detach(), wanted)
    if activation == "relu":
        assert change.leak == 0
        torch.testing.assert_close(made(rest).detach(), before)
    elif metric == "dot":
        assert change.leak < 1e-3
    effect = change.effect(rest)
    assert effect.total == 50
    with torch.no_grad():
        assert effect.largest <= change.leak * float(made.values[-1].abs().max() * made.activations(x)[-1]) + 1e-9
    change.undo()
    assert all(torch.equal(v, state[name]) for name, v in made.state_dict().items())


def test_a_key_can_be_forgotten():
    made, x = memory(top_k=3), rows(27, 6, 5)
    state = copy.deepcopy(made.state_dict())
    change = made.remove(5)
    assert made.n_keys == 11
    assert str(change) == "removed key 5"
    kept = [j for j in range(12) if j != 5]
    assert torch.equal(made.keys, state["keys"][kept])
    assert made(x).shape == (6, 3)
    change.undo()
    assert all(torch.equal(v, state[name]) for name, v in made.state_dict().items())


def test_the_latest_change_is_undone_first():
    made = memory()
    start = copy.deepcopy(made.state_dict())
    first, second = made.edit(1, rows(28, 3)), made.add(4 * rows(29, 5), rows(30, 3))
    with pytest.raises(InputError, match="undo the latest change first"):
        first.undo()
    with pytest.raises(InputError, match="undo the latest change first"):
        first.effect(rows(31, 2, 5))
    second.undo()
    first.undo()
    assert all(torch.equal(v, start[name]) for name, v in made.state_dict().items())


def test_training_is_not_undone_silently():
    made, x = memory(), rows(32, 4, 5)
    change = made.edit(x[0], rows(33, 3))
    optimiser = torch.optim.SGD(made.parameters(), 0.1)
    made(x).square().sum().backward()
    optimiser.step()
    with pytest.raises(InputError, match="has been changed since"):
        change.undo()


def test_what_is_removed_comes_back_to_what_was_left():
    made = memory()
    change = made.remove(3)
    made.load_state_dict(memory(seed=7).state_dict())
    with pytest.raises(InputError, match="has been changed since it removed key 3"):
        change.undo()


def test_effect_counts_other_answers():
    made, x = memory(activation="identity", bias=False), rows(34, 30, 5)
    before = made(x).argmax(-1)
    effect = made.edit(3, 5 * rows(35, 3)).effect(x)
    now = (made(x).argmax(-1) != before).nonzero()[:, 0]
    assert torch.equal(effect.inputs, now)
    assert 0 < effect.changed == len(now) < 30
    assert effect.share == effect.changed / 30
    assert str(effect).startswith(f"{effect.changed} of 30 answers changed ({effect.share:.2%}); none by more than ")


def digits():
    sklearn = pytest.importorskip("sklearn.datasets")
    x, y = sklearn.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return torch.from_numpy(x[order] / 16).float(), torch.from_numpy(y[order])


def test_a_memory_of_digits_forgets_nothing_else():
    """Wrong answers put right, one at a time: of the held-out digits at most 1% get another answer."""
    x, y = digits()
    train, held = slice(0, 1200), slice(1200, None)
    torch.manual_seed(0)
    made = Memory(64, 1024, 10, activation="relu")
    optimiser = torch.optim.AdamW(made.parameters(), 3e-3)
    for step in range(150):
        part = torch.arange(step * 128, step * 128 + 128) % 1200
        optimiser.zero_grad()
        nn.functional.cross_entropy(made(x[part]), y[part]).backward()
        optimiser.step()
    wrong = (made(x[held]).argmax(-1) != y[held]).nonzero()[:, 0] + 1200
    assert 3 <= len(wrong) < 60
    shares = {"edit": [], "add": []}
    for i in wrong[:5].tolist():
        target = 10.0 * nn.functional.one_hot(y[i], 10).float()
        rest = torch.tensor([j for j in range(1200, len(x)) if j != i])
        for way in shares:
            change = getattr(made, way)(x[i], target, others=x[train])
            assert int(made(x[i]).argmax()) == int(y[i])
            shares[way].append(change.effect(x[rest]).share)
            change.undo()
    assert max(shares["add"]) <= 0.01
    assert max(shares["edit"]) <= 0.01


# ---- keeping


def test_states_round_trip_whatever_their_size(tmp_path):
    made, x = memory(top_k=3, metric="manhattan", scale="learned"), rows(36, 4, 5)
    made.add(4 * rows(37, 5), rows(38, 3))
    made.edit(2, rows(39, 3))
    buffer = io.BytesIO()
    torch.save(made.state_dict(), buffer)
    buffer.seek(0)
    other = memory(seed=5, top_k=3, metric="manhattan", scale="learned")
    held = list(other.parameters())
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert other.n_keys == 13
    assert torch.equal(other(x), made(x))
    assert all(a is b for a, b in zip(held, other.parameters(), strict=True))
    whole = nn.Sequential(memory(seed=6, top_k=3, metric="manhattan", scale="learned"))
    whole.load_state_dict(nn.Sequential(made).state_dict())
    assert torch.equal(whole(x), made(x))
    with pytest.raises(RuntimeError, match="size mismatch for keys"):
        other.load_state_dict(memory(n_keys=2, scale="learned").state_dict())
    with pytest.raises(RuntimeError, match="size mismatch for keys"):
        memory(d=4, scale="learned").load_state_dict(made.state_dict())


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_copies(activation):
    made, x = memory(top_k=3, activation=activation, metric="cosine"), rows(40, 4, 5)
    with torch.no_grad():
        made(x), made(x)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert torch.equal(other(x), made(x))
    assert f"n_keys=12, d_out=3, metric=cosine, {activation}, top_k=3" in repr(made)


# ---- the door


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"d": 0}, InputError, "d=0 is too small: at least 1 is wanted"),
        ({"d": 2.0}, InputError, "d=2.0 is not a whole number"),
        ({"n_keys": True}, InputError, "n_keys=True is not a whole number"),
        ({"d_out": 0}, InputError, "d_out=0 is too small: at least 1 is wanted"),
        ({"metric": "manhatan"}, UnknownMetricError, "did you mean 'manhattan'"),
        ({"metric": "hamming"}, InputError, "hamming counts coordinates and has no gradient"),
        ({"metric": METRICS[-2], "d": 4}, ShapeError, "5 coordinates; these have 4"),
        ({"activation": "relo"}, InputError, "activation='relo' is not known; did you mean 'relu'"),
        ({"activation": "zzz"}, InputError, "activation='zzz' is not known; known are relu, gelu"),
        ({"activation": 3}, InputError, "activation= is of type int; a name .* or a function of a tensor is wanted"),
        ({"top_k": 0}, InputError, "top_k=0 is too small: at least 1 is wanted"),
        ({"top_k": 13}, InputError, "top_k=13 of 12 keys: at most n_keys"),
        ({"scale": 0}, InputError, "scale=0 is neither a number above 0 nor 'learned'"),
        ({"scale": "much"}, InputError, "scale='much' is neither a number above 0 nor 'learned'"),
        (
            {"metric": "manhattan", "bias": False},
            InputError,
            "manhattan enters negated, so that relu of it is 0 everywhere without a bias; pass bias=True",
        ),
    ],
)
def test_settings_that_do_not_fit(settings, error, message):
    with pytest.raises(error, match=message):
        Memory(**{"d": 5, "n_keys": 12, **settings})


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((2, 5)), InputError, "x is of type ndarray; a torch tensor is wanted: torch.as_tensor"),
        (torch.ones(2, 5).long(), DtypeError, "x holds int64; a floating tensor is wanted: x.float"),
        (torch.ones(()), ShapeError, r"x has shape \(\); at least 1 axes are wanted"),
        (torch.ones(2, 4), ShapeError, r"x has shape \(2, 4\); the last axis must be d=5"),
        (torch.ones(2, 5).double(), DtypeError, "x holds float64 and keys float32; convert one: keys.to"),
        (torch.ones(2, 5, device="meta"), InputError, "x is on meta and keys on cpu; move one"),
    ],
)
@pytest.mark.parametrize("verb", ["forward", "scores", "activations", "keys_for", "inputs_for", "edit", "add"])
def test_inputs_that_do_not_fit(verb, x, error, message):
    made = memory(dtype=torch.float32)
    if verb in ("inputs_for",):
        message = message.replace("x is", "inputs is").replace("x has", "inputs has").replace("x holds", "inputs holds")
        message = message.replace("x.float", "inputs.float")
    arguments = {"inputs_for": (0, x), "edit": (x, torch.ones(3)), "add": (x, torch.ones(3))}.get(verb, (x,))
    if verb == "edit" and not (isinstance(x, torch.Tensor) and x.ndim):
        pytest.skip("a number of a key")
    with pytest.raises(error, match=message):
        getattr(made, verb)(*arguments)


def test_changes_that_do_not_fit():
    made, x, v = memory(dtype=torch.float32), torch.ones(5), torch.ones(3)
    state = copy.deepcopy(made.state_dict())
    cases = [
        (lambda: made.edit(12, v), InputError, "key=12 is not there: keys are numbered 0 to 11"),
        (lambda: made.edit(-1, v), InputError, "key=-1 is not there"),
        (lambda: made.edit("a", v), InputError, "key='a' is not the number of a key"),
        (lambda: made.edit(1.0, v), InputError, "key=1.0 is not the number of a key"),
        (lambda: made.remove(12), InputError, "key=12 is not there"),
        (lambda: made.inputs_for(12, x[None]), InputError, "key=12 is not there"),
        (lambda: made.inputs_for(1, x), ShapeError, r"inputs has shape \(5,\); \(n, 5\) is wanted"),
        (lambda: made.inputs_for(1, x[None], labels=[]), ShapeError, "there are 0 labels for 1 inputs"),
        (lambda: made.keys_for(x, 0), InputError, "k=0 is too small"),
        (lambda: made.edit(1, torch.ones(4)), ShapeError, r"value has shape \(4,\); \(3,\) is wanted"),
        (lambda: made.edit(1, [1.0]), InputError, "value is of type list; a torch tensor is wanted"),
        (lambda: made.edit(1, v.double()), DtypeError, "value holds float64 and values float32"),
        (lambda: made.edit(1, v * torch.nan), InputError, "value has NaN or infinite numbers"),
        (lambda: made.edit(x, v.to("meta")), InputError, "value is on meta and values on cpu"),
        (lambda: made.edit(x[None, None], v), ShapeError, r"x has shape \(1, 1, 5\); \(5,\) or \(m, 5\) is wanted"),
        (lambda: made.edit(x[None][:0], v[None][:0]), ShapeError, "at least one input is wanted"),
        (lambda: made.edit(x * torch.inf, v), InputError, "x has NaN or infinite values in row 0; leave them out"),
        (lambda: made.edit(x, v, others=x), ShapeError, "others has shape .5,.; .n, 5. is wanted"),
        (lambda: made.edit(x, v, others=torch.ones(3, 4)), ShapeError, "others has shape .3, 4.; the last axis"),
        (lambda: made.edit(x, v, ridge=-1), InputError, "ridge=-1 is not a number of at least 0"),
        (lambda: made.add(x[None], v), ShapeError, r"x has shape \(1, 5\); \(5,\) is wanted"),
        (lambda: made.add(x, v, others=x[None] * torch.nan), InputError, "others has NaN or infinite values in row 0"),
        (lambda: made.add(x * 0.5, v, others=torch.stack([x, -x])), InputError, "no threshold tells x from the others"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()
    assert all(torch.equal(value, state[name]) for name, value in made.state_dict().items())


def test_an_input_that_no_key_answers_to():
    made = memory()
    with torch.no_grad():
        made.key_bias.fill_(-100)
    with pytest.raises(
        InputError, match=r"no key answers to x \(row 0\), so no value changes its answer; add\(x, value\)"
    ):
        made.edit(torch.ones(5).double(), torch.ones(3).double())


def test_a_last_key_stays():
    with pytest.raises(InputError, match="a memory of 1 keys cannot lose one: at least 1 must stay"):
        memory(n_keys=1).remove(0)
    with pytest.raises(InputError, match="a memory of 3 keys cannot lose one: at least 3 must stay"):
        memory(n_keys=3, top_k=3).remove(0)


def test_a_new_key_that_is_not_read():
    made = memory(metric="manhattan", top_k=2)
    with torch.no_grad():
        made.key_bias.fill_(1000)
    with pytest.raises(InputError, match=r"the new key does not answer to x .*top_k=2 better keys do"):
        made.add(rows(41, 5), rows(42, 3))
    assert made.n_keys == 12


@pytest.mark.parametrize(
    ("ffn", "message"),
    [
        (nn.Linear(2, 2), "nn.Sequential.Linear, activation, Linear. is wanted; found Linear"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), "is wanted; found Linear, ReLU"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(0), nn.Linear(2, 2)), "the softmax goes along axis 0"),
        (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(2, 2)), "3 activations meet a layer that takes 2"),
    ],
)
def test_layers_that_are_no_memory(ffn, message):
    with pytest.raises(InputError, match=message):
        Memory.from_ffn(ffn)


def test_memories_that_are_no_layer():
    for settings in ({"metric": "manhattan"}, {"top_k": 2}, {"activation": torch.erf}):
        with pytest.raises(InputError, match="a feed-forward layer compares by dot, reads all keys"):
            memory(**settings).to_ffn()


def test_an_activation_that_changes_shapes():
    with pytest.raises(ShapeError, match=r"activation= made \(2,\) of scores \(2, 12\); it must keep their shape"):
        memory(activation=lambda scores: scores.sum(-1))(rows(43, 2, 5))


def test_shapes_on_the_meta_device():
    x = torch.empty(2, 5, 16, device="meta")
    memory = Memory(16, 8, 4, top_k=2, metric="manhattan").to("meta")
    assert memory(x).shape == (2, 5, 4)
    assert lw.nn.ProductKeys(16, 8, top_k=2, d_out=4).to("meta")(x).shape == (2, 5, 4)
