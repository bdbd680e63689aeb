"""Neurons that compare by any metric: linear ones are torch's, all of them learn, and what does not fit is refused."""

import copy
import pickle

import numpy as np
import pytest
import torch

import likewise as lw
from likewise.errors import DtypeError, InputError, ShapeError, UnknownMetricError
from likewise.formula.derive import has_gradient
from likewise.nn import Dense

LEARNERS = ("dot", "cosine", "manhattan", "euclidean", "rbf")
SMOOTH = [name for name in lw.metrics if has_gradient(lw.metrics[name])]
XOR = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1, 1, 0])


def learn(model, x, wanted, steps, rate=0.05):
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), wanted).backward()
        optimizer.step()
    return model


def test_dot_is_a_linear_layer():
    torch.manual_seed(0)
    wanted = torch.nn.Linear(5, 7)
    torch.manual_seed(0)
    layer = Dense(5, 7)
    x = torch.randn(2, 3, 5)
    assert torch.equal(layer(x), wanted(x))
    assert layer.state_dict().keys() == wanted.state_dict().keys()


@pytest.mark.parametrize("name", SMOOTH)
def test_values_are_the_metrics(name):
    metric = lw.metrics[name]
    layer = Dense(5, 7, metric=metric, scale=0.5, activation="tanh").double()
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 5)))
    score = torch.from_numpy(lw.pairwise(x.numpy(), layer.weight.detach().numpy(), metric=metric))
    sign = 1 if metric.closer == "larger" else -1
    torch.testing.assert_close(layer(x), torch.tanh(0.5 * sign * score + layer.bias))
    x.requires_grad_()
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize("name", LEARNERS)
def test_one_hidden_layer_learns_exclusive_or(name):
    torch.manual_seed(0)
    model = torch.nn.Sequential(Dense(2, 8, metric=name, activation="tanh"), Dense(8, 2))
    x, wanted = XOR[0] + (0.5 if name == "cosine" else 0), XOR[1]  # the row (0, 0) has no direction
    assert torch.equal(learn(model, x, wanted, 300)(x).argmax(-1), wanted)


def test_two_radial_neurons_learn_exclusive_or():
    """From one start in three; one neuron cannot, since no circle has (0, 1) and (1, 0) inside and the others out."""

    def learned(seed):
        torch.manual_seed(seed)
        model = torch.nn.Sequential(Dense(2, 2, metric=lw.rbf(2.0), bias=False), Dense(2, 2))
        return torch.equal(learn(model, *XOR, 400, 0.1)(XOR[0]).argmax(-1), XOR[1])

    assert any(learned(seed) for seed in range(12))


@pytest.mark.parametrize("name", LEARNERS)
def test_handwritten_digits(name):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy((images - images.mean(0)) / (images.std(0) + 1)).float()
    y = torch.from_numpy(labels)
    torch.manual_seed(0)
    order = torch.randperm(len(x))
    train, test = order[:1300], order[1300:]
    model = torch.nn.Sequential(Dense(64, 64, metric=name, activation="relu", scale="learned"), Dense(64, 10))
    learn(model, x[train], y[train], 200, 0.02)
    assert (model(x[test]).argmax(-1) == y[test]).float().mean() > 0.95


def test_neurons_of_distances_begin_balanced():
    torch.manual_seed(0)
    x = torch.randn(200, 64)
    for name in ("manhattan", "euclidean", "sqeuclidean", "chebyshev"):
        value = Dense(64, 100, metric=name)(x)
        assert abs(value.mean()) < 0.3, name
        assert 0.8 < value.std() < 1.5, name


@pytest.mark.parametrize("name", ["dot", "manhattan", "rbf"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_and_autocast(name, dtype):
    torch.manual_seed(0)
    layer, x = Dense(16, 8, metric=name, scale=0.2), torch.randn(5, 16)
    wanted = layer(x)
    half = copy.deepcopy(layer).to(dtype)(x.to(dtype))
    assert half.dtype == dtype
    torch.testing.assert_close(half.float(), wanted, rtol=1e-2, atol=2e-2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = layer(x)
    assert cast.dtype == torch.bfloat16
    torch.testing.assert_close(cast.float(), wanted, rtol=1e-2, atol=2e-2)


def test_states_copies_pickles_and_print():
    layer = Dense(4, 3, metric=lw.laplacian(0.5), activation="gelu", scale="learned")
    x = torch.randn(5, 4)
    other = Dense(4, 3, metric=lw.laplacian(0.5), activation="gelu", scale="learned")
    other.load_state_dict(layer.state_dict())
    for one in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(one(x), layer(x))
    said = "Dense(4, 3, metric='laplacian(gamma=0.5)', activation='gelu', bias=True, scale='learned')"
    assert repr(layer) == said
    assert Dense(4, 3, activation=torch.sin, bias=False)(x).shape == (5, 3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"in_features": 0}, InputError, "in_features=0 is too small: at least 1 is wanted"),
        ({"out_features": "3"}, InputError, "out_features='3' is not a whole number"),
        ({"metric": "jaccard"}, InputError, "jaccard counts coordinates and has no gradient, so nothing would be"),
        ({"metric": "doot"}, UnknownMetricError, "no metric is called 'doot'; did you mean 'dot'"),
        ({"metric": lw.mahalanobis(np.eye(3))}, ShapeError, "mahalanobis's matrix is for vectors of 3 coordinates"),
        (
            {"activation": "step"},
            InputError,
            "activation='step' is not known; known are relu, gelu",
        ),
        ({"scale": "free"}, InputError, "scale='free' is not known; it is a number or 'learned'"),
        ({"scale": []}, InputError, "scale=[] is not a number"),
        ({"dtype": torch.int8}, DtypeError, "dtype=int8 cannot be learned in; a floating one is wanted"),
    ],
)
def test_layers_that_cannot_be(options, error, message):
    with pytest.raises(error) as failure:
        Dense(**({"in_features": 4, "out_features": 3} | options))
    assert str(failure.value).startswith(message)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[1.0] * 4], InputError, "x is of type list; a torch tensor is wanted: torch.as_tensor(x)"),
        (torch.ones(2, 5), ShapeError, "x has shape (2, 5); rows of in_features=4 are wanted"),
        (torch.ones(()), ShapeError, "x has shape (); at least 1 axes are wanted"),
        (torch.ones(2, 4).int(), DtypeError, "x holds int32; a floating tensor is wanted: x.float()"),
        (torch.ones(2, 4).double(), DtypeError, "x holds float64 and the layer float32; convert one"),
        (torch.ones(2, 4, device="meta"), InputError, "x is on meta and the layer on cpu; move one: .to(x.device)"),
    ],
)
def test_what_does_not_fit_is_refused(x, error, message):
    for metric in ("dot", "manhattan"):
        with pytest.raises(error) as failure:
            Dense(4, 3, metric=metric)(x)
        assert str(failure.value).startswith(message)
