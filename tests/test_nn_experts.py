"""Mixtures of experts: the dense sum, gathered; balance, capacity, and the alarm where a router collapses."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import likewise as lw
from likewise.errors import DtypeError, InputError, ShapeError, UnknownMetricError
from likewise.nn import CollapseWarning, Memory, MixtureOfExperts


def rows(seed, *shape, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def mixture(d=5, n_experts=4, *, seed=0, dtype=torch.float64, **settings):
    torch.manual_seed(seed)
    return MixtureOfExperts(d, n_experts, **{"hidden": 6, "dtype": dtype, **settings})


def dense(made, x):
    """Every expert on every token, those not chosen weighted by 0."""
    scored = made.scores(x)
    chosen = scored.sort(dim=-1, descending=True, stable=True).indices[:, : made.top_k]
    kept = torch.full_like(scored, -torch.inf).scatter(1, chosen, scored.gather(1, chosen))
    weights = torch.softmax(kept, -1)
    if made.top_k == 1:
        weights = torch.softmax(scored, -1) * torch.isfinite(kept)
    return sum(weights[:, e, None] * expert(x) for e, expert in enumerate(made.experts))


@pytest.mark.parametrize("router", ["dot", "cosine", "manhattan", "euclidean", "rbf"])
@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_gathered_is_dense(router, top_k):
    made, x = mixture(router=router, top_k=top_k, scale=2.0), rows(0, 30, 5)
    out = made(x.reshape(3, 10, 5))
    assert out.shape == (3, 10, 5)
    torch.testing.assert_close(out.reshape(30, 5), dense(made, x))
    sign = 1 if made.metric.closer == "larger" else -1
    compared = lw.pairwise(x.numpy(), made.keys.detach().numpy(), metric=router)
    np.testing.assert_allclose(made.scores(x).detach(), 2 * sign * compared)


@pytest.mark.parametrize("router", ["dot", "cosine", "sqeuclidean"])
@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_gradients(router, top_k):
    made = mixture(router=router, top_k=top_k, scale="learned", balance=0.5)
    names, parameters = zip(*made.named_parameters(), strict=True)

    def read(x, *given):
        out = torch.func.functional_call(made, dict(zip(names, given, strict=True)), (x,))
        return out, made.balance_loss

    assert torch.autograd.gradcheck(read, (rows(1, 6, 5).requires_grad_(), *parameters))


def test_experts_compute_for_their_own_tokens_alone():
    seen = []

    class Counted(nn.Module):
        def forward(self, x):
            seen.append(len(x))
            return x

    made, x = mixture(expert=lambda d: Counted(), top_k=2), rows(2, 50, 5)
    torch.testing.assert_close(made(x), x)  # weights sum to 1
    assert sum(seen) == 100
    assert seen == [c for c in (made.usage().shares * 100).round().int().tolist() if c]


def test_the_balance_loss_is_that_of_switch():
    made, x = mixture(balance=0.3, top_k=2), rows(3, 40, 5)
    made(x)
    scored = made.scores(x)
    chosen = scored.topk(2).indices
    even = torch.stack([(chosen == e).double().sum() / 80 for e in range(4)])
    torch.testing.assert_close(made.balance_loss, 0.3 * 4 * (even * torch.softmax(scored, -1).mean(0)).sum())
    with torch.no_grad():
        made.keys.zero_()
    made(x)
    assert float(made.balance_loss.detach()) == pytest.approx(0.3)


def test_what_exceeds_the_capacity_is_dropped():
    made = mixture(n_experts=2, top_k=1, capacity_factor=0.5, expert=lambda d: nn.Identity())
    with torch.no_grad():
        made.keys.copy_(torch.tensor([[9.0] * 5, [-9.0] * 5]))
    x = torch.ones(8, 5, dtype=torch.float64)
    out = made(x)
    assert out.ne(0).any(-1).tolist() == [True] * 2 + [False] * 6  # ceil(0.5 x 8 / 2)
    assert made.usage().dropped == 6 / 8
    first = mixture(n_experts=2, top_k=2, capacity_factor=0.5, expert=lambda d: nn.Identity())
    with torch.no_grad():
        first.keys.copy_(made.keys)
    x[4:] *= -1  # half of the tokens prefer each expert, and all take both
    kept = first(x).ne(0).any(-1)
    assert kept.all()  # the first choices went before the second ones
    assert first.usage().dropped == 0.5


def test_noise_is_for_training():
    made, x = mixture(noise=3.0), rows(4, 64, 5)
    torch.manual_seed(0)
    one, other = made(x), made(x)
    assert not torch.equal(one, other)
    torch.manual_seed(0)
    assert torch.equal(made(x), one)
    made.eval()
    torch.testing.assert_close(made(x), dense(made, x))


def train(balance, router="dot"):
    """Tokens with a mean in common, which one router after another likes to send all one way."""
    torch.manual_seed(0)
    made = MixtureOfExperts(16, 8, top_k=2, hidden=8, balance=balance, router=router, window=2560)
    optimiser = torch.optim.Adam(made.parameters(), 0.03)
    for _ in range(60):
        x = torch.randn(256, 16) + 1
        loss = (made(x) - x.roll(1, -1)).square().mean() + made.balance_loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return made


def test_a_collapse_is_told_once_and_with_figures():
    with pytest.warns(CollapseWarning) as told:
        made = train(balance=0.0)
    assert len(told) == 1
    said = str(told[0].message)
    assert said.startswith("the router of 8 experts collapses: evenness 0.")
    assert "(alarm below 0.7) over the last 2,560 tokens; most used: " in said
    assert said.endswith("Raise balance= (0) or noise= (0), and add balance_loss to what is trained")
    assert told[0].filename == __file__
    assert made.usage().evenness < 0.7
    assert len(made.usage().dead) >= 2


def test_balance_prevents_it():
    made = train(balance=0.5)  # warnings are errors
    usage = made.usage()
    assert usage.evenness > 0.95
    assert usage.dead == []
    assert float(usage.shares.sum()) == pytest.approx(1)


def test_dead_experts_are_named():
    made = mixture(n_experts=6, top_k=1, window=100, alarm=0.1, expert=lambda d: nn.Identity())
    with torch.no_grad():
        made.keys.zero_()
        made.keys[:4] = torch.eye(5)[:4] * 50
    x = torch.eye(5).double()[torch.arange(200) % 4]
    with pytest.warns(CollapseWarning, match=r"evenness 0.77 .*most used: 0 25%, 1 25%, 2 25%; dead: 4, 5\. Raise"):
        made(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(x)
    quiet = mixture(n_experts=6, top_k=1, window=100, alarm=None, expert=lambda d: nn.Identity())
    quiet.load_state_dict(made.state_dict())
    quiet(x)
    assert quiet.usage().dead == [4, 5]
    waking = mixture(n_experts=6, top_k=1, window=100, expert=lambda d: nn.Identity()).eval()
    waking.load_state_dict(made.state_dict())
    waking(x)  # not in training: counted, not judged


def test_no_tokens():
    made = mixture()
    assert made(rows(5, 0, 5)).shape == (0, 5)
    assert made.usage()[2:] == (1.0, [], 0.0)
    assert made.usage().tokens == int(made.usage().shares.sum()) == 0
    assert float(made.balance_loss.detach()) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_numbers(dtype):
    wide = mixture(scale=4.0)
    with torch.no_grad():
        wide.to(dtype).double()
    narrow, x = copy.deepcopy(wide).to(dtype), rows(6, 20, 5).to(dtype)
    out = narrow(x)
    assert out.dtype == dtype
    close = torch.isclose(out.double(), wide(x.double()), atol=3e-2, rtol=3e-2).all(-1)
    assert close.double().mean() >= 0.9  # a near tie of scores may go another way
    out.float().sum().backward()


def test_copies_and_states():
    made, x = mixture(router="manhattan", scale="learned"), rows(7, 9, 5)
    out = made(x)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert torch.equal(other(x), out)
    other = mixture(seed=3, router="manhattan", scale="learned")
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(x), out)
    assert "d=5, n_experts=4, top_k=2, router=manhattan" in repr(made)
    assert all(isinstance(expert, Memory) for expert in made.experts)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"d": 0}, InputError, "d=0 is too small: at least 1 is wanted"),
        ({"n_experts": 1.5}, InputError, "n_experts=1.5 is not a whole number"),
        ({"top_k": 5}, InputError, "top_k=5 of 4 experts: at most n_experts"),
        ({"top_k": 0}, InputError, "top_k=0 is too small"),
        ({"hidden": 0}, InputError, "hidden=0 is too small"),
        ({"window": 0}, InputError, "window=0 is too small"),
        ({"router": "manhatan"}, UnknownMetricError, "did you mean 'manhattan'"),
        ({"router": "jaccard"}, InputError, "jaccard counts coordinates and has no gradient"),
        ({"balance": -1}, InputError, "balance=-1 is not a number of at least 0"),
        ({"noise": "much"}, InputError, "noise='much' is not a number of at least 0"),
        ({"capacity_factor": 0}, InputError, "capacity_factor=0 is not a number above 0"),
        ({"alarm": float("nan")}, InputError, "alarm=nan is not a number of at least 0"),
        ({"scale": -1}, InputError, "scale=-1 is neither a number above 0 nor 'learned'"),
        ({"activation": "relo"}, InputError, "did you mean 'relu'"),
        ({"expert": lambda d: d}, InputError, "makes a int; a function of d that makes a module is wanted"),
    ],
)
def test_settings_that_do_not_fit(settings, error, message):
    with pytest.raises(error, match=message):
        MixtureOfExperts(**{"d": 5, "n_experts": 4, **settings})


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((2, 5)), InputError, "x is of type ndarray; a torch tensor is wanted"),
        (torch.ones(2, 5).long(), DtypeError, "x holds int64; a floating tensor is wanted"),
        (torch.ones(2, 4), ShapeError, r"x has shape \(2, 4\); the last axis must be d=5"),
        (torch.ones(2, 5).double(), DtypeError, "x holds float64 and keys float32; convert one"),
        (torch.ones(2, 5, device="meta"), InputError, "x is on meta and keys on cpu; move one"),
    ],
)
@pytest.mark.parametrize("verb", ["forward", "scores"])
def test_tokens_that_do_not_fit(verb, x, error, message):
    with pytest.raises(error, match=message):
        getattr(mixture(dtype=torch.float32), verb)(x)


def test_an_expert_that_changes_shapes():
    made = mixture(expert=lambda d: nn.Linear(d, d + 1).double())
    with pytest.raises(ShapeError, match=r"an expert made \(\d+, 6\) of \(\d+, 5\); it must keep the shape"):
        made(rows(8, 9, 5))
