"""The language model: what it may see, what it draws, what it says of input that does not fit, and its file."""

import math
import zipfile

import numpy as np
import pytest
import torch

import likewise as lw
from likewise.errors import DtypeError, InputError, ShapeError, UnknownMetricError
from likewise.nn import Transformer, Vocabulary

METRICS = ["dot", "cosine", "sqeuclidean", "euclidean", "manhattan", "chebyshev", "rbf", "laplacian", "mahalanobis"]
TEXT = "to be or not to be\n"


def small(vocab=7, **changes):
    return Transformer(vocab, **({"context": 8, "layers": 2, "heads": 2, "width": 16, "seed": 1} | changes)).eval()


def lively(**changes):
    """A model whose logits differ enough for what is drawn to depend on them."""
    model = small(**changes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)), alpha=0.2)
    return model


IDS = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 0], [3, 3, 1, 0, 6, 5, 2, 2]])


# ---- what it computes


def test_it_begins_as_nanogpt_does():
    model = Transformer(65, seed=0)
    width, layers, hidden = 128, 4, 512
    assert (
        model.parameters_count == (65 + 64) * width + layers * (4 * width**2 + 2 * width * hidden + 2 * width) + width
    )
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            writes = "out_proj" in name or name.endswith("feedforward.2.weight")
            wanted = 0.02 / math.sqrt(2 * layers) if writes else 0.02
            assert parameter.std().item() == pytest.approx(wanted, rel=0.05), name
        else:
            assert "norm" in name
            assert (parameter == 1).all()
    ids = torch.arange(64)[None]
    logits, loss = model(ids, ids.flip(1))
    assert logits.shape == (1, 64, 65)
    assert loss.item() == pytest.approx(math.log(65), abs=0.2)


def test_the_loss_is_the_mean_of_minus_log_p():
    model = lively()
    targets = IDS.roll(-1, 1)
    logits, loss = model(IDS, targets)
    wanted = -torch.log_softmax(logits, -1).gather(-1, targets[..., None]).mean()
    torch.testing.assert_close(loss, wanted)
    targets[0, 3] = -1  # does not count
    counted = torch.ones_like(targets, dtype=torch.bool)
    counted[0, 3] = False
    wanted = -torch.log_softmax(logits, -1).gather(-1, targets.clamp(min=0)[..., None])[..., 0][counted].mean()
    torch.testing.assert_close(model(IDS, targets)[1], wanted)


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_sees_what_follows(metric):
    model = lively(metric=metric)
    changed = IDS.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 7
    before, after = model(IDS), model(changed)
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize("metric", ["dot", "cosine", "manhattan"])
def test_a_cache_gives_the_same_logits(metric):
    model, cache = lively(metric=metric), lively().cache()
    with torch.no_grad():
        whole = model(IDS)
        parts = [model(IDS[:, a:b], cache=cache) for a, b in ((0, 3), (3, 4), (4, 8))]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("feedforward", ["memory", "experts"])
@pytest.mark.parametrize("metric", ["dot", "manhattan"])
def test_memories_and_experts(feedforward, metric, tmp_path):
    model = lively(feedforward=feedforward, feedforward_metric=metric, bias=True, experts=3)
    changed = IDS.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 7
    torch.testing.assert_close(model(IDS)[:, :5], model(changed)[:, :5])
    draws = [model.generate([0, 1], 12, seed=2, cached=c).tolist() for c in (True, False)]
    assert draws[0] == draws[1]
    plain = model(IDS, IDS.roll(-1, 1))[1]
    model.train()
    loss = model(IDS, IDS.roll(-1, 1))[1]
    loss.backward()
    assert (loss > plain) if feedforward == "experts" else torch.equal(loss, plain)
    model.save(tmp_path / "model.lm")
    again = Transformer.load(tmp_path / "model.lm")
    assert again.settings == model.settings
    assert torch.equal(again(IDS), model.eval()(IDS))


def test_a_memory_of_products_is_two_matrices():
    dense, memory = lively(), small(feedforward="memory")
    with torch.no_grad():
        for one, other in zip(dense.blocks, memory.blocks, strict=True):
            other.attention.load_state_dict(one.attention.state_dict())
            other.norm_attention.load_state_dict(one.norm_attention.state_dict())
            other.norm_feedforward.load_state_dict(one.norm_feedforward.state_dict())
            other.feedforward.keys.copy_(one.feedforward[0].weight)
            other.feedforward.values.copy_(one.feedforward[2].weight.T)
        for part in ("tokens", "places", "norm"):
            getattr(memory, part).load_state_dict(getattr(dense, part).state_dict())
    torch.testing.assert_close(memory(IDS), dense(IDS))
    assert memory.parameters_count == dense.parameters_count


def test_every_parameter_learns():
    for changes in (
        {},
        {"metric": "manhattan", "bias": True},
        {"metric": "cosine", "tied": False},
        {"feedforward": "memory", "feedforward_metric": "rbf"},
        {"feedforward": "experts", "experts": 2},
    ):
        model = lively(**changes).train()
        model(IDS, IDS.roll(-1, 1))[1].backward()
        assert [name for name, p in model.named_parameters() if p.grad is None] == [], changes


def test_a_seed_decides_the_weights_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    one, two = small(seed=3), small(seed=3)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    assert all(map(torch.equal, one.state_dict().values(), two.state_dict().values()))
    assert not torch.equal(one.tokens.weight, small(seed=4).tokens.weight)


# ---- what it writes


@pytest.mark.parametrize("metric", ["dot", "cosine", "manhattan"])
@pytest.mark.parametrize("how", [{"temperature": 0}, {"seed": 3}, {"seed": 4, "top_k": 3, "temperature": 0.7}])
def test_cached_and_uncached_draws_are_the_same(metric, how):
    model = lively(metric=metric)
    for prompt in ([0], [1, 2, 3], list(range(7)), [1] * 20):  # within the context, up to it, past it
        cached, plain = (model.generate(prompt, 20, cached=c, **how) for c in (True, False))
        assert cached.tolist() == plain.tolist()
        assert cached[: len(prompt)].tolist() == prompt
        assert len(cached) == len(prompt) + 20


def test_past_the_context_the_window_slides():
    model = lively()
    ids = model.generate([0, 1], 12, temperature=0)
    for end in range(2, 14):
        window = torch.tensor(ids[max(0, end - 8) : end])[None]
        assert model(window)[0, -1].argmax() == ids[end]


def test_what_is_drawn_is_of_the_prompts_kind():
    model = lively(vocab=Vocabulary.of(TEXT))
    said = model.generate("to be", 12, seed=1)
    assert isinstance(said, str)
    assert len(said) == 17
    assert said.startswith("to be")
    assert model.generate("to be", 12, seed=1) == said != model.generate("to be", 12, seed=2)
    assert isinstance(model.generate([0, 1], 2), np.ndarray)
    batch = model.generate(IDS[:, :3], 4, seed=0)
    assert isinstance(batch, torch.Tensor)
    assert batch.shape == (2, 7)
    assert model.generate("", 3, seed=0) == model.generate("\n", 3, seed=0)[1:]
    assert model.generate("to be", 0) == "to be"
    assert model.generate([], 3, seed=0).shape == (3,)


def test_drawing_leaves_the_mode_as_it_is():
    model = lively(dropout=0.5).train()
    assert (
        model.generate([0], 5, temperature=0).tolist() == lively(dropout=0.5).generate([0], 5, temperature=0).tolist()
    )
    assert model.training


def test_top_k_and_temperature():
    model = lively()
    likeliest = model(torch.tensor([[1, 2]]))[0, -1].topk(2).indices.tolist()
    drawn = {int(model.generate([1, 2], 1, top_k=2, seed=seed)[-1]) for seed in range(40)}
    assert drawn == set(likeliest)
    assert {int(model.generate([1, 2], 1, temperature=1e-6, seed=seed)[-1]) for seed in range(9)} == {likeliest[0]}
    assert len({int(model.generate([1, 2], 1, temperature=100, seed=seed)[-1]) for seed in range(60)}) == 7


# ---- the vocabulary


def test_characters_and_bytes():
    letters = Vocabulary.of("héllo wörld 𝄞")
    assert letters.decode(letters.encode("wörld 𝄞")) == "wörld 𝄞"
    assert Vocabulary("ba") == Vocabulary("ab") != Vocabulary("abc")
    assert Vocabulary("ab").encode("").tolist() == []
    text = Vocabulary()
    assert text.decode(text.encode("wörld 𝄞")) == "wörld 𝄞"
    assert text.decode([0xFF, 0x41]) == "\ufffdA"
    pieces = list(text.decode_each([[i] for i in text.encode("é!")]))
    assert "".join(pieces) == "é!"
    assert pieces[0] == ""
    many = Vocabulary("".join(map(chr, range(32, 600))))
    assert (many.dtype, many.decode(many.encode("aɐ"))) == (np.uint16, "aɐ")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary("aa"), "characters= wants every character once, and one at least; "
         "Vocabulary.of(text) finds them"),
        (lambda: Vocabulary(3), "characters= is of type int; a str is wanted, or None for bytes"),
        (lambda: Vocabulary.of(""), "the text is empty, so it has no characters to number"),
        (lambda: Vocabulary.of(b"ab"), "text is of type bytes; a str is wanted"),
        (lambda: Vocabulary("ab").encode("abc"), "'c' (character 3) is not among the 2 characters of this vocabulary; "
         "leave it out, or make a model of bytes, which write any text: Vocabulary(), or likewise lm train --bytes"),
        (lambda: Vocabulary("ab").encode(3), "text is of type int; a str is wanted"),
        (lambda: Vocabulary("ab").decode([0, 2]), "2 is no number of this vocabulary, which has 0 to 1"),
        (lambda: Vocabulary("ab").decode([0.5]), "ids has shape (1,) and holds float64; "
         "one row of whole numbers is wanted"),
    ],
)  # fmt: skip
def test_vocabulary_errors(call, message):
    with pytest.raises(InputError) as failure:
        call()
    assert str(failure.value) == message


# ---- what does not fit


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab": 0}, "vocab=0 is too small: at least 1 is wanted"),
        ({"vocab": "abc"}, "vocab='abc' is not a whole number"),
        ({"layers": 0}, "layers=0 is too small: at least 1 is wanted"),
        ({"context": 1.5}, "context=1.5 is not a whole number"),
        ({"heads": 3}, "width=16 is not a multiple of heads=3: heads share the width equally"),
        ({"hidden": 0}, "hidden=0 is too small: at least 1 is wanted"),
        ({"feedforward": "experts", "experts": 0}, "experts=0 is too small: at least 1 is wanted"),
        ({"dropout": 1}, "dropout=1 is out of range: at least 0 and below 1 is wanted"),
        ({"dropout": "some"}, "dropout='some' is not a number"),
        ({"seed": -1}, "seed=-1 is too small: at least 0 is wanted"),
        ({"seed": 1 << 63}, "seed=9223372036854775808 is too large: below 2**63 is wanted"),
        ({"feedforward": "wide"}, "feedforward='wide' is not known; it is 'dense', 'memory' or 'experts'"),
        (
            {"feedforward_metric": "manhattan"},
            "feedforward='dense' compares by products; take 'memory' for another feedforward_metric",
        ),
        (
            {"metric": "hamming"},
            "hamming counts coordinates and has no gradient, so nothing would be learned; "
            "take one that moves with its rows, such as 'manhattan'",
        ),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(InputError) as failure:
        small(**changes)
    assert str(failure.value) == message


def test_a_metric_that_is_not_known():
    with pytest.raises(UnknownMetricError, match=r"no metric is called 'manhatan'; did you mean 'manhattan', "):
        small(metric="manhatan")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m([[1]]), InputError, "ids is of type list; a torch tensor is wanted: torch.as_tensor(ids)"),
        (lambda m: m(IDS.float()), DtypeError, "ids holds float32; whole numbers are wanted: ids.long()"),
        (lambda m: m(IDS > 1), DtypeError, "ids holds bool; whole numbers are wanted: ids.long()"),
        (lambda m: m(IDS[0]), ShapeError, "ids has shape (8,); (batch, symbols) is wanted, one of each at least"),
        (lambda m: m(IDS[:, :0]), ShapeError, "ids has shape (2, 0); (batch, symbols) is wanted, one of each at least"),
        (lambda m: m(IDS + 1), InputError, "ids holds 7; the model's symbols are 0 to 6"),
        (lambda m: m(IDS - 1), InputError, "ids holds -1; the model's symbols are 0 to 6"),
        (lambda m: m(IDS, IDS - 2), InputError, "targets holds -2; the model's symbols are 0 to 6"),
        (lambda m: m(IDS, IDS[:1]), ShapeError, "ids has shape (2, 8) and targets (1, 8); they must be equal"),
        (lambda m: m(IDS.to("meta")), InputError, "ids is on meta and the model on cpu; "
         "move one: .to(model.device)"),
        (lambda m: m(torch.cat([IDS, IDS], 1)), ShapeError, "ids has 16 symbols; the model looks back on 8 at most: "
         "give the last of them, ids[:, -8:]"),
        (lambda m: m(IDS, cache=[]), InputError, "cache is of 0 layers and the model of 2; "
         "take one from model.cache()"),
        (lambda m: m.generate("to", 3), InputError, "this model has no vocabulary, so it takes numbers; "
         "make it with Vocabulary.of(text)"),
        (lambda m: m.generate([0.5], 3), DtypeError, "prompt holds float64; text or whole numbers are wanted"),
        (lambda m: m.generate([[[0]]], 3), ShapeError, "prompt has shape (1, 1, 1); (symbols,) or (batch, symbols) "
         "is wanted"),
        (lambda m: m.generate([7], 3), InputError, "prompt holds 7; the model's symbols are 0 to 6"),
        (lambda m: m.generate([0], -1), InputError, "n=-1 is too small: at least 0 is wanted"),
        (lambda m: m.generate([0], 1, top_k=0), InputError, "top_k=0 is too small: at least 1 is wanted"),
        (lambda m: m.generate([0], 1, temperature=-1), InputError, "temperature=-1 is out of range: "
         "a finite number of at least 0 is wanted"),
        (lambda m: m.generate([0], 1, temperature=math.nan), InputError, "temperature=nan is out of range: "
         "a finite number of at least 0 is wanted"),
    ],
)  # fmt: skip
def test_calls_that_do_not_fit(call, error, message):
    with pytest.raises(error) as failure:
        call(small())
    assert str(failure.value) == message


# ---- its file


@pytest.mark.parametrize(
    "metric",
    [
        "manhattan",
        "cosine",
        "mahalanobis",
        lw.rbf(gamma=0.5),
        lw.minkowski(3),
        lw.metric(lambda x, y: abs(x - y) ** 1.5),
    ],
    ids=str,
)
def test_a_model_comes_back_from_its_file(tmp_path, metric):
    model = lively(vocab=Vocabulary.of(TEXT), metric=metric, bias=True, tied=False)
    model.save(tmp_path / "model.lm")
    again = Transformer.load(tmp_path / "model.lm")
    assert again.settings == model.settings
    assert again.vocabulary == model.vocabulary
    assert not again.training
    assert torch.equal(again(IDS), model(IDS))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_dtype_is_kept(tmp_path, dtype):
    model = lively().to(dtype)
    model.save(tmp_path / "model.lm")
    again = Transformer.load(tmp_path / "model.lm")
    assert again.tokens.weight.dtype == dtype
    assert all(map(torch.equal, again.state_dict().values(), model.state_dict().values()))


def test_files_that_hold_no_model(tmp_path):
    path = tmp_path / "model.lm"
    with pytest.raises(InputError, match="there is no file"):
        Transformer.load(path)
    path.write_bytes(b"not an archive")
    with pytest.raises(InputError, match="is not an archive of likewise, or it is damaged"):
        Transformer.load(path)
    small().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is not an archive of likewise, or it is damaged"):
        Transformer.load(path)
    path.write_bytes(whole)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["header.json"] = members["header.json"].replace(b'"layers": 2', b'"layers": 3')
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(InputError, match=r"holds no model that can be made: .*; it may be damaged"):
        Transformer.load(path)
    with pytest.raises(InputError, match="cannot be written"):
        small().save(tmp_path / "none" / "model.lm")


def test_numbers_of_any_integer_type():
    ids = torch.tensor([[1, 2, 3]])
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        assert torch.equal(small()(ids.to(dtype)), small()(ids))
