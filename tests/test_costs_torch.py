"""Parameters and FLOPs of layers are those that torch counts."""

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import likewise as lw  # noqa: E402


def counted(model, *inputs, **options):
    """FLOPs that torch counts forward, and forward and backward.

    With attention in plain products: torch's counter does not know the kernel that fuses it on a CPU.
    """
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as forward:
            out = model(*inputs, **options)
        with FlopCounterMode(display=False) as backward:
            out.sum().backward()
    return forward.get_total_flops(), forward.get_total_flops() + backward.get_total_flops()


def parameters(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("batch", "tokens"), [(1, 32), (3, 20)])
def test_our_own_transformer(bias, tied, batch, tokens):
    sizes = {"context": 32, "layers": 3, "heads": 4, "width": 48}
    model = lw.nn.Transformer(101, **sizes, bias=bias, tied=tied, seed=0)
    cost = lw.costs.transformer(**sizes, vocabulary=101, batch=batch, tokens=tokens, bias=bias, tied=tied)
    assert cost.facts["parameters"] == parameters(model) == model.parameters_count
    ids = torch.randint(0, 101, (batch, tokens), generator=torch.Generator().manual_seed(0))
    assert counted(model, ids) == (cost.product_flops, cost.facts["training_product_flops"])


def test_another_metric_learns_its_scale():
    model = lw.nn.Transformer(11, context=8, layers=2, heads=2, width=8, metric="manhattan", seed=0)
    cost = lw.costs.transformer(
        layers=2, width=8, heads=2, context=8, vocabulary=11, metric="manhattan", learned_scale=True, bias=False
    )
    assert cost.facts["parameters"] == parameters(model)
    dot = lw.costs.transformer(layers=2, width=8, heads=2, context=8, vocabulary=11, bias=False)
    scores = sum(one.product_flops for one in dot.operations if one.name == "scores")
    assert cost.product_flops == dot.product_flops - scores  # differences are no products


@pytest.mark.parametrize("heads", [1, 4])
def test_torchs_encoder(heads):
    layer = nn.TransformerEncoderLayer(32, heads, dim_feedforward=80, dropout=0.0, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    cost = lw.costs.transformer(
        layers=2, width=32, heads=heads, context=10, hidden=80, batch=3, activation="relu", fused=False
    )
    assert cost.facts["parameters"] == parameters(model)
    x = torch.randn(3, 10, 32, requires_grad=True)
    assert counted(model, x) == (cost.product_flops, cost.facts["training_product_flops"])


class Block(nn.Module):
    """A block as in GPT-2, attention written out in products."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, n, width = x.shape
        q, k, v = (
            part.view(batch, n, self.heads, -1).transpose(1, 2) for part in self.qkv(self.first(x)).chunk(3, dim=-1)
        )
        scores = q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5
        hidden = torch.ones(n, n, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, n, width))
        return x + self.contract(F.gelu(self.expand(self.second(x)), approximate="tanh"))


class Gpt(nn.Module):
    """As OpenAI made it in 2019, but for its size."""

    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        return self.norm(self.blocks(x)) @ self.tokens.weight.T


def test_gpt2_in_small():
    model = Gpt(97, 24, 36, 3, 4)
    cost = lw.costs.transformer(layers=4, width=36, heads=3, context=24, vocabulary=97, tokens=17, batch=2)
    assert cost.facts["parameters"] == parameters(model)
    ids = torch.randint(0, 97, (2, 17), generator=torch.Generator().manual_seed(0))
    assert counted(model, ids) == (cost.product_flops, cost.facts["training_product_flops"])


def test_gpt2_itself():
    """On the meta device: nothing is computed, and all is counted."""
    with torch.device("meta"):
        model = Gpt(50257, 1024, 768, 12, 12)
        ids = torch.zeros((1, 64), dtype=torch.long)
    cost = lw.costs.transformer(layers=12, width=768, heads=12, context=1024, vocabulary=50257, tokens=64)
    assert cost.facts["parameters"] == parameters(model) == 124_439_808
    linear = 2 * 64 * (12 * 12 * 768**2 + 50257 * 768)  # every weight of a matrix, twice a token
    assert cost.product_flops == linear + 12 * 4 * 64 * 64 * 768
    with FlopCounterMode(display=False) as forward, torch.device("meta"):
        model(ids)
    assert forward.get_total_flops() == cost.product_flops


def test_fused_attention_computes_its_scores_again():
    """torch's own formula for fused attention: 2 products forward, 5 backward."""
    from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count

    batch, heads, n, d = 2, 4, 16, 8
    shape = (batch, heads, n, d)
    cost = lw.costs.transformer(layers=1, width=heads * d, heads=heads, context=n, batch=batch, fused=True)
    forward = sum(one.product_flops for one in cost.operations if one.name in ("scores", "context"))
    assert forward == sdpa_flop_count(shape, shape, shape)
    others = cost.product_flops - forward
    attention = cost.facts["training_product_flops"] - 3 * others
    assert attention == forward + sdpa_backward_flop_count(shape, shape, shape, shape)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_attention(kv_heads, bias):
    layer = lw.nn.Attention(16, 4, kv_heads=kv_heads, bias=bias)
    cost = lw.costs.attention(tokens=9, width=16, heads=4, kv_heads=kv_heads, bias=bias, batch=2)
    assert cost.facts["parameters"] == parameters(layer)
    x = torch.randn(2, 9, 16, requires_grad=True)
    assert counted(layer, x)[0] == cost.product_flops


@pytest.mark.parametrize("bias", [False, True])
def test_linear_and_feed_forward(bias):
    layer = nn.Linear(24, 40, bias=bias)
    cost = lw.costs.linear(batch=7, inputs=24, outputs=40, bias=bias)
    assert cost.facts["parameters"] == parameters(layer)
    assert counted(layer, torch.randn(7, 24, requires_grad=True)) == (cost.product_flops, 3 * cost.product_flops)
    block = nn.Sequential(nn.Linear(24, 60, bias=bias), nn.ReLU(), nn.Linear(60, 24, bias=bias))
    cost = lw.costs.feed_forward(tokens=7, width=24, hidden=60, activation="relu", bias=bias)
    assert cost.facts["parameters"] == parameters(block)
    assert counted(block, torch.randn(7, 24, requires_grad=True)) == (cost.product_flops, 3 * cost.product_flops)
