"""What computations cost: against counts made by hand, and how shapes that clash are shown."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import likewise as lw
from likewise.costs import expression, matmul
from likewise.errors import DtypeError, InputError, LikewiseError, ShapeError, UnknownMetricError

# ---- counts by hand: what, FLOPs, bytes

HAND = [
    # 3 multiply-adds of 2; two vectors of 3 and a number, 4 bytes each
    ("[3] . [3]", 6, (3 + 3 + 1) * 4),
    # 3 x 3 rows by 4 columns, 2 multiply-adds each; 18 + 8 numbers in, 36 out
    ("[3,3,2] @ [2,4]", 3 * 3 * 4 * 2 * 2, (18 + 8 + 36) * 4),
    # a matrix with a vector: every number of the matrix is used once
    ("[64,128] @ [128]", 64 * 128 * 2, (64 * 128 + 128 + 64) * 4),
    # batches of 8 and of 3 broadcast to 24 products of (10, 6) and (6, 5)
    ("[8,1,10,6] @ [3,6,5]", 24 * 10 * 5 * 6 * 2, (8 * 10 * 6 + 3 * 6 * 5 + 24 * 10 * 5) * 4),
    # element by element: one operation for each of 5 x 4 x 7
    ("[5,1,7] + [4,1]", 140, (35 + 4 + 140) * 4),
    # 32 rows by 2,048 columns of 512 multiply-adds, and an addition of the bias for each number of the result
    (
        "linear(batch=32, inputs=512, outputs=2048)",
        2 * 32 * 512 * 2048 + 32 * 2048,
        (32 * 512 + 512 * 2048 + 2048 + 32 * 2048) * 4,
    ),
    # 10 x 8 @ 8 x 16 + 16, max(x, 0) of 160, 10 x 16 @ 16 x 8 + 8
    (
        "feed_forward(tokens=10, width=8, hidden=16, activation=relu)",
        (2 * 10 * 8 * 16 + 160) + 160 + (2 * 10 * 16 * 8 + 80),
        ((80 + 128 + 16 + 160) + (160 + 160) + (160 + 128 + 8 + 80)) * 4,
    ),
    # 4 tokens of 6, 2 heads of 3, no bias: x @ 6 x 18; 2 heads of 16 scores, 3 multiply-adds and the scale each;
    # 5 operations a score; 2 heads of 4 x 4 @ 4 x 3; x @ 6 x 6
    (
        "attention(tokens=4, width=6, heads=2, bias=False)",
        2 * 4 * 6 * 18 + 32 * (2 * 3 + 1) + 32 * 5 + 2 * 32 * 3 + 2 * 4 * 6 * 6,
        ((24 + 108 + 72) + (24 + 24 + 32) + (32 + 32) + (32 + 24 + 24) + (24 + 36 + 24)) * 4,
    ),
]
VERBS = [
    # a difference and an addition for each coordinate of each pair; 10 values and 10 numbers found, of 8 bytes each
    (
        ((1000, 128), (100_000, 128)),
        {"k": 10, "metric": "manhattan"},
        2 * 1000 * 100_000 * 128,
        (1000 * 128 + 100_000 * 128) * 4 + 1000 * 10 * 16,
    ),
    # a difference, a square and an addition; a matrix of float32
    (((50, 16), (60, 16)), {"metric": "sqeuclidean"}, 3 * 50 * 60 * 16, (50 * 16 + 60 * 16 + 50 * 60) * 4),
    # a multiply-add a coordinate; 30 numbers of float64
    (((30, 7), (30, 7)), {"metric": "dot", "verb": "paired"}, 2 * 30 * 7, 2 * 30 * 7 * 4 + 30 * 8),
    # products alone: nothing is added
    (((30, 7), (7,)), {"metric": "dot", "verb": "contributions"}, 30 * 7, (30 * 7 + 7) * 4 + 30 * 7 * 8),
    # all pairs, and 3 multiply-adds for each
    (
        ((40, 8), (90, 8), (90, 3)),
        {"metric": "manhattan", "verb": "weighted_sum"},
        40 * 90 * 8 * 2 + 40 * 90 * 3 * 2,
        (40 * 8 + 90 * 8 + 90 * 3 + 40 * 3) * 4,
    ),
    # 2 heads of 5 x 6 scores by 4 multiply-adds, a softmax of 5 operations each, 3 multiply-adds each
    (
        ((2, 5, 4), (2, 6, 4), (2, 6, 3)),
        {"verb": "attend"},
        60 * 4 * 2 + 60 * 5 + 60 * 3 * 2,
        (2 * 5 * 4 + 2 * 6 * 4 + 2 * 6 * 3 + 2 * 5 * 3) * 4,
    ),
    # a step: 500 x 7 squared distances, and every coordinate of every row added to its centre's; rows read twice,
    # centres written
    (((500, 64),), {"verb": "kmeans", "k": 7}, 500 * 7 * 64 * 3 + 500 * 64, 2 * 500 * 64 * 4 + 7 * 64 * 4),
]


@pytest.mark.parametrize(("text", "flops", "size"), HAND)
def test_hand_counts(text, flops, size):
    cost = lw.explain(text)
    assert (cost.flops, cost.bytes) == (flops, size)
    assert cost.intensity == flops / size
    assert sum(one.flops for one in cost.operations) == flops


@pytest.mark.parametrize(("shapes", "settings", "flops", "size"), VERBS)
def test_hand_counts_of_verbs(shapes, settings, flops, size):
    cost = lw.explain(*shapes, **settings)
    assert (cost.flops, cost.bytes) == (flops, size)


def test_a_transformer_by_hand():
    """Two layers of width 4 and one head, 3 tokens of 5 symbols, a context of 6."""
    cost = lw.costs.transformer(layers=2, width=4, heads=1, context=6, vocabulary=5, tokens=3)
    block = (4 * 4 * 4 + 4 * 4) + (4 * 16 + 16 + 16 * 4 + 4) + 2 * (4 + 4)
    assert cost.facts["parameters"] == 5 * 4 + 6 * 4 + 2 * block + (4 + 4)
    products = 4 * 2 * 3 * 4 * 4 + 2 * (2 * 3 * 3 * 4) + 2 * (2 * 3 * 4 * 16)
    assert cost.product_flops == 2 * products + 2 * 3 * 4 * 5
    assert cost.facts["training_product_flops"] == 3 * cost.product_flops
    assert cost.facts["cache_bytes"] == 2 * 2 * 4 * 6 * 4  # keys and values, layers, width, context, bytes
    assert sum(cost.facts["shares"].values()) == pytest.approx(1)
    one = lw.costs.transformer(layers=2, width=4, heads=1, context=6, vocabulary=5, tokens=1)
    scores = 2 * 2 * (6 - 1) * (2 * 2 * 4 / 2 + 3)  # of 5 keys more, in 2 layers: products, and 6 operations each
    assert cost.facts["token_flops"] == one.flops + scores


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("kv_heads", [1, None])
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_the_context_at_which_attention_costs_as_much(heads, kv_heads, gated, causal):
    settings = {"layers": 1, "width": 64, "heads": heads, "kv_heads": kv_heads, "gated": gated, "causal": causal}

    def parts(context):
        cost = lw.costs.transformer(**settings, context=context)
        quadratic = sum(one.product_flops for one in cost.operations if one.name in ("scores", "context"))
        attention = sum(one.product_flops for one in cost.part("attention"))
        return attention, quadratic, sum(one.product_flops for one in cost.part("feed-forward"))

    facts = lw.costs.transformer(**settings, context=8).facts
    for name, which in (("equal_context", 0), ("quadratic_context", 1)):
        crossing = facts[name]
        assert parts(crossing + 1)[which] >= parts(crossing + 1)[2]
        assert parts(crossing - 2)[which] <= parts(crossing - 2)[2]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (4, 4), (3, 7), (7, 3)])
def test_causal_pairs(n, m):
    """The last query sees the last key: what a mask with ones below a diagonal leaves."""
    from likewise.costs.layers import Heads

    pairs = int(np.tril(np.ones((n, m)), m - n).sum()) if n <= m else None
    found = Heads(2, n, m, 12, 3, 3, causal=True).pairs
    if pairs is not None:
        assert found == 2 * 3 * pairs
    assert 0 < found <= 6 * n * m


# ---- shapes, aligned

SIZES = st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4).map(tuple)


@given(SIZES, SIZES, st.sampled_from("@+*"))
def test_shapes_are_those_of_numpy(x, y, op):
    run = {"@": np.matmul, "+": np.add, "*": np.multiply}[op]
    try:
        shape = run(np.zeros(x), np.zeros(y)).shape
    except ValueError:
        shape = None
    if op == "@" and not (x and y):
        with pytest.raises(InputError, match="a number has no axes"):
            expression(x, op, y)
        return
    cost = expression(x, op, y)
    assert cost.ok == (shape is not None)
    if cost.ok:
        assert cost.out_shape == shape
        assert cost.check() is cost
        assert cost.drawing.splitlines()[-1].startswith("result") or not shape
    else:
        marks = cost.drawing.splitlines()[-1]
        assert "^" in marks
        assert set(marks) <= {"^", " "}
        with pytest.raises(ShapeError, match="the shapes do not fit"):
            cost.check()
    assert str(cost).startswith(f"[{', '.join(map(str, x))}] {op} [{', '.join(map(str, y))}]: ")
    json.dumps(cost.as_dict())


@given(SIZES.filter(lambda s: 0 not in s), SIZES.filter(lambda s: 0 not in s), st.sampled_from("@*-"))
def test_the_element_that_is_written_out_is_the_one_computed(x, y, op):
    """What is printed for one number of the result, read as Python, gives that number."""
    if op == "@" and not (x and y):
        return
    cost = expression(x, op, y)
    if not cost.ok:
        return
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 9, x), rng.integers(1, 9, y)
    result = {"@": np.matmul, "*": np.multiply, "-": np.subtract}[op](a, b)
    for line in cost.element.splitlines():
        before, _, right = line.partition(" = ")
        if "sum over" in line or not right or "i" in right or any(c in right for c in "abcd"):
            continue
        at = before.rpartition("result")[2]
        names = {"x": a, "y": b, "result": result}
        assert eval(f"result{at}", {}, names) == eval(right, {}, names)


CLASH = """\
[3, 3, 2] @ [5, 4]: matrix product: the shapes do not fit

    batch   rows   summed   columns
x       3      3        2
y                       5         4
                        ^
a row of x has 2 coordinates and a column of y 5: they are multiplied one with one and summed, so both need as many"""


def test_a_clash_is_drawn():
    cost = lw.explain("[3,3,2] @ [5,4]")
    assert str(cost) == CLASH
    assert cost.ok is False
    assert cost.as_dict()["ok"] is False
    for name in ("flops", "product_flops", "bytes", "seconds", "intensity", "level", "bound"):
        with pytest.raises(ShapeError, match="the shapes do not fit"):
            getattr(cost, name)
    with pytest.raises(ShapeError) as error:
        lw.explain("[3,3,2] @ [5,4]", measure=True)
    assert str(error.value) == CLASH.replace("\n\n", "\n")
    assert "the last axes are equal: transpose y, as in x @ y.T" in str(lw.explain("[3,2] @ [4,2]"))
    assert "the rows are as many: transpose x, as in x.T @ y" in str(lw.explain("[3,2] @ [3,5]"))
    assert str(lw.explain("[2,3,4] * [2,1]")).endswith(
        "axis -2 has 3 in x and 2 in y: sizes have to be equal, or one of them 1 to be repeated"
    )
    assert str(lw.explain("[2,3,4] @ [3,4,5]")).endswith(
        "a batch axis has 2 in x and 3 in y: sizes have to be equal, or one of them 1 to be repeated"
    )


def test_what_is_printed():
    lines = str(lw.explain("[3,3,2] @ [2,4]", n_jobs=1)).splitlines()
    assert lines[:12] == [
        "[3, 3, 2] @ [2, 4]: matrix product",
        "",
        "         batch   rows   summed   columns",
        "x            3      3        2",
        "y                            2         4",
        "result       3      3                  4",
        "",
        "element    result[a, i, j] = sum over k of x[a, i, k] * y[k, j]",
        "           row i of x times column j of y, one coordinate with one (the Hadamard product: 2 products), then "
        "their sum",
        "           the first: result[0, 0, 0] = x[0, 0, 0] * y[0, 0] + x[0, 0, 1] * y[1, 0]",
        "result     3 x 3 x 4",
        "cost       144 FLOPs on 248 bytes: 0.581 FLOPs a byte; BLAS level 3 (matrix with matrix)",
    ]
    assert lines[-1] == "note       y is repeated 3 times along a batch axis, without being copied"
    assert lw.explain("[5,1] + [3]").notes == (
        "x is repeated 3 times along axis -1, without being copied",
        "y is repeated 5 times along axis -2, without being copied",
    )
    text = str(lw.explain("attention(tokens=64, width=48, heads=3)"))
    assert "softmax    " in text
    assert "queries, keys, values" in text


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("[9] @ [9]", 1),
        ("[9] . [9]", 1),
        ("[9,9] * [9,9]", 1),
        ("[8,9] @ [9]", 2),
        ("[9] @ [9,8]", 2),
        ("[1,9] @ [9,8]", 2),
        ("[8,9] @ [9,7]", 3),
        ("[3,9] @ [9,7]", 3),
        ("[5,1,9] @ [9,7]", 3),  # one matrix of weights for all batches: these are rows of one product
        ("[5,1,9] @ [5,9,7]", 2),
        ("linear(inputs=4, outputs=5)", 2),
        ("linear(batch=2, inputs=4, outputs=5)", 3),
    ],
)
def test_levels(text, level):
    assert lw.explain(text).level == level


def test_what_limits():
    assert lw.explain("[4096,4096] @ [4096,4096]").bound == "compute"
    assert lw.explain("[4096,4096] @ [4096]").bound == "memory"
    assert lw.explain("[10000000] + [10000000]").bound == "memory"
    small, large = lw.explain("[100,100] @ [100,100]"), lw.explain("[1000,100] @ [100,1000]")
    assert small.seconds < large.seconds
    one, double = lw.explain("[4096] . [4096]"), lw.explain("[4096] . [4096]", dtype="float64")
    assert double.bytes == 2 * one.bytes
    assert lw.explain("[4096] . [4096]", dtype="bfloat16").bytes == one.bytes / 2
    roof = lw.costs.ceilings()
    assert roof.ridge == 2 * roof.multiply_adds() / roof.bandwidth()


# ---- verbs and calls


def test_a_call_is_bound_as_the_verb_binds_it():
    rng = np.random.default_rng(0)
    queries, items = rng.standard_normal((20, 16)), rng.standard_normal((300, 16))
    for cost in (
        lw.explain(lw.topk, queries, items, 5, metric="cosine"),
        lw.explain(lw.topk, queries, items=items, k=5, metric="cosine", n_jobs=1),
        lw.explain(queries, items, k=5, metric="cosine"),
        lw.explain(queries, items=items, k=5, metric="cosine", verb="topk"),
    ):
        assert (cost.kind, cost.out_shape, cost.flops) == ("topk", (20, 5), 2 * 20 * 300 * 16)
        assert cost.plan.verb == "topk"
    assert lw.explain(lw.attend, queries, items, items).out_shape == (20, 16)
    assert lw.explain(lw.attend, q=queries, k=items, v=items, metric="manhattan").kind == "attend"
    assert lw.explain(lw.weighted_sum, queries, items, np.ones(300), metric="dot").out_shape == (20,)
    assert lw.explain(lw.weighted_sum, queries, items, weights=np.ones((300, 2)), metric="dot").out_shape == (20, 2)
    assert lw.explain(lw.pairwise, queries[0], items, metric="dot").out_shape == (300,)
    assert lw.explain(lw.pairwise, queries[0], items[0], metric="dot").out_shape == ()
    assert lw.explain(lw.within, queries, items, 0.5, metric="cosine").out_shape == (20,)
    assert lw.explain(lw.kmeans, items, 4).out_shape == (4, 16)
    shelf = lw.prepare(items, metric="cosine")
    assert lw.explain(lw.topk, queries, shelf, 5).out_shape == (20, 5)


@pytest.mark.parametrize(
    ("verb", "given", "settings"),
    [
        ("topk", ((9, 4), (30, 4)), {"k": 3, "metric": "manhattan"}),
        ("topk", ((30, 4),), {"k": 3, "metric": "dot"}),
        ("within", ((9, 4), (30, 4)), {"radius": 0.5, "metric": "cosine"}),
        ("pairwise", ((9, 4),), {"metric": "rbf"}),
        ("paired", ((9, 4), (9, 4)), {"metric": "euclidean"}),
        ("contributions", ((9, 4), (4,)), {"metric": "euclidean"}),
        ("weighted_sum", ((9, 4), (30, 4)), {"metric": "rbf"}),
        ("weighted_sum", ((9, 4), (30, 4), (30, 2)), {"metric": "rbf"}),
        ("attend", ((2, 9, 4), (30, 4), (30, 5)), {"mask": None, "scale": 0.5}),
        ("kmeans", ((40, 4),), {"k": 3, "seed": 1}),
    ],
)
def test_every_verb_is_measured(verb, given, settings):
    cost = lw.explain(*given, verb=verb, measure=True, **settings)
    assert cost.kind == verb
    assert cost.measured > 0
    assert 0 < cost.share_of_peak < 2
    assert "measured" in str(cost)
    if verb == "topk":
        assert cost.stats.pairs > 0
        assert f"of {cost.stats.pairs:,} pairs" in str(cost)
    made = json.loads(json.dumps(cost.as_dict()))
    assert made["measured_seconds"] == cost.measured
    assert lw.explain(*given, verb=verb, **settings).measured is None


@pytest.mark.parametrize(
    "text",
    [
        "[20,30] @ [30,4]",
        "[2,20,30] @ [30]",
        "[30] . [30]",
        "[2,20,30] / [20,1]",
        "linear(batch=8, inputs=16, outputs=4)",
        "feed_forward(tokens=8, width=16, gated=True, activation=silu)",
        "feed_forward(tokens=8, width=16, activation=relu, dtype=float64)",
        "attention(tokens=16, width=16, heads=4, kv_heads=2, batch=2)",
        "attention(tokens=16, width=16, heads=4, keys=20, metric=manhattan)",
        "transformer(layers=3, width=16, heads=2, context=16, vocabulary=40)",
        "transformer(layers=1, width=16, heads=2, context=16, norm=rms, gated=True, kv_heads=1)",
    ],
)
def test_text_is_measured(text):
    cost = lw.explain(text)
    assert cost.measured is None
    cost = cost.measure()
    assert cost.measured > 0
    assert [one.name for one in cost.operations if one.measured is None] in (
        [],
        ["embedding"],
        ["scores", "softmax"],  # other metrics in one pass
    )
    assert "measured" in str(cost)
    assert cost.share_of_peak > 0


def test_layers_count_once_for_each(monkeypatch):
    """A transformer's layer is run once, and its time counted as often as there are layers."""
    from likewise.costs import run

    monkeypatch.setattr(run, "times", lambda todo, expected, title: {name: 1.0 for name, _ in todo.make()})
    cost = lw.costs.transformer(layers=5, width=8, heads=2, context=4, vocabulary=9).measure()
    times = {one.name: one.measured for one in cost.operations}
    assert times["scores"] == times["expand"] == times["norms"] == times["sums"] == 5
    assert times["last norm"] == times["head"] == 1


# ---- errors


def said(call, *arguments, kind=InputError, **settings):
    with pytest.raises(kind) as error:
        call(*arguments, **settings)
    assert type(error.value) is kind
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("atention(tokens=3)", "no layer is called 'atention'; did you mean 'attention'?"),
        ("zzz(tokens=3)", "no layer is called 'zzz'; layers are linear, feed_forward, attention, transformer"),
        ("attention(token=3)", "attention has no setting 'token'; did you mean 'tokens'?"),
        (
            "linear(zzz=3)",
            "linear has no setting 'zzz'; its settings are inputs, outputs, batch, bias, dtype, n_jobs",
        ),
        ("attention(tokens=3)", "attention needs width, heads: attention(tokens=..., width=..., heads=...)"),
        ("linear(3, 4)", "linear takes its settings by name: linear(inputs=..., outputs=...)"),
        ("linear(**x)", "linear takes its settings by name: linear(inputs=..., outputs=...)"),
        ("linear(inputs=[1], outputs=2)", "inputs has to be a number, a word, True or False"),
        ("linear(inputs=2.5, outputs=2)", "inputs='2.5' is not a whole number"),
        ("linear(inputs=0, outputs=2)", "inputs=0; at least 1 is wanted"),
        ("linear(inputs=True, outputs=2)", "inputs=True is not a whole number"),
        ("linear(inputs=10000000000000, outputs=2)", "inputs=10,000,000,000,000 is too large; at most "
         "1,000,000,000,000 is counted with"),
        ("linear(inputs=2, outputs=2, bias=1)", "bias='1' is not known; it is True or False"),
        ("attention(tokens=3, width=10, heads=3)", "width=10 is not a multiple of heads=3: heads share the width "
         "equally"),
        ("attention(tokens=3, width=9, heads=3, kv_heads=2)", "heads=3 is not a multiple of kv_heads=2: each serves "
         "equally many"),
        ("feed_forward(tokens=3, width=9, activation=rely)", "activation='rely' is not known; it is one of gelu, "
         "relu, silu; did you mean 'relu'?"),
        ("transformer(layers=1, width=8, heads=1, context=3, norm=batch)", "norm='batch' is not known; it is one of "
         "layer, rms"),
        ("[3,2] [2,3]", "an operator is missing between [3,2] and [2,3]: one of @ . * / + -"),
        ("[3,2] % [2,3]", "'%' between two shapes is not known; it is one of @ . * / + -"),
        ("[3,a] @ [2,3]", "'a' in [3,a] is not the size of an axis; write whole numbers, as in [3,3,2]"),
        ("[3,-2] @ [2,3]", "'-2' in [3,-2] is not the size of an axis; write whole numbers, as in [3,3,2]"),
        ("[3,2] . [2,3]", "'.' is the dot product of two vectors, and these have 2 and 2 axes; write @ for matrices, "
         "as in [3,3,2] @ [2,4]"),
        ("[] @ [2,3]", "@ multiplies vectors and matrices, and a number has no axes; write * for a product with it"),
        (
            "what is this",
            "'what is this' cannot be read; write two shapes and what is between them, as in '[3,3,2] @ [2,4]', or a "
            "layer, as in 'linear(batch=32, inputs=512, outputs=2048)'; layers are linear, feed_forward, attention, "
            "transformer",
        ),
    ],
)  # fmt: skip
def test_errors_of_text(text, message):
    assert said(lw.explain, text) == message


def test_errors_of_shapes():
    x, y = (10, 4), (20, 4)
    assert said(lw.explain, "[99999999999999] . [3]") == (
        "an axis of x=99,999,999,999,999 is too large; at most 1,000,000,000,000 is counted with"
    )
    assert said(lw.explain, "[999999999999] * [999999999999,1]", kind=ShapeError) == (
        "the result, 999,999,999,999 x 999,999,999,999, is too large to be counted with"
    )
    assert said(matmul, 3, (3,)) == ("x is of type int; a shape such as (3, 2), or an array, is wanted")
    assert said(lw.explain, f"[{','.join('1' * 33)}] * [1]", kind=ShapeError) == (
        "a shape of 33 axes; at most 32 are drawn"
    )
    assert said(lw.explain, " " * 2001) == "the text is 2,001 characters long; at most 2,000 are read"
    assert said(lw.explain, "[3] . [3]", dtype="int8", kind=DtypeError) == (
        "dtype='int8' is not known here; it is one of float64, float32, float16, bfloat16"
    )
    assert said(lw.explain, "[3] . [3]", dtype="flaot32", kind=DtypeError).endswith("; did you mean 'float32'?")
    assert said(lw.explain, "[3] . [3]", (3,)) == "a text explains itself; nothing may follow it but settings by name"
    assert said(lw.explain, "[3] . [3]", metric="dot") == (
        "a product of shapes has no setting 'metric'; its settings are dtype, n_jobs"
    )
    assert said(lw.explain, "[3] . [3]", measure=1) == "measure='1' is not known; it is True or False"
    assert said(lw.explain, "[3] . [3]", measure=True, dtype="float16") == (
        "dtype='float16' is not measured: NumPy has no products of 16-bit numbers; take float32 or float64"
    )
    assert said(lw.explain, x, y) == (
        "metric= is missing: a name such as 'euclidean', a metric, or a function of two numbers"
    )
    assert said(lw.explain, x, y, metric="dot", verb="topk") == "topk has to know how many: k=10"
    assert (
        said(lw.explain, x, y, metric="dot", verb="paired", k=3) == "k=3 belongs to topk and kmeans, and this is paired"
    )
    assert said(lw.explain, x, y, metric="dot", verb="pairwize") == (
        "no verb is called 'pairwize'; did you mean 'pairwise'?"
    )
    assert said(lw.explain, x, y, metric="dot", verb="zzz") == (
        "no verb is called 'zzz'; verbs are topk, within, pairwise, paired, contributions, weighted_sum, attend, kmeans"
    )
    assert said(lw.explain, print, x) == (
        "'print' is no verb of likewise; verbs are topk, within, pairwise, paired, contributions, weighted_sum, "
        "attend, kmeans"
    )
    assert said(lw.explain, x, y, metric="dot", k=3, were=5) == "topk has no setting 'were'; did you mean 'where'?"
    assert said(lw.explain, x, y, y, metric="dot") == "pairwise takes 2 arrays: x, y; 3 were given"
    assert said(lw.explain, x, metric="dot", verb="paired") == "paired takes 2 arrays: x, y"
    assert said(lw.explain, x, y, verb="attend") == "attend takes 3 arrays: q, k, v"
    assert said(lw.explain, x, y, items=y, k=1, metric="dot") == "topk is given items twice"
    assert said(lw.explain, x, (20, 5), metric="dot", kind=ShapeError) == (
        "x have 4 coordinates and y 5; the last axes must be equal"
    )
    assert said(lw.explain, x, y, (21, 2), metric="dot", verb="weighted_sum", kind=ShapeError) == (
        "weights has shape (21, 2); one row per item is wanted, and y has 20"
    )
    assert said(lw.explain, (3, 5, 4), (2, 5, 4), metric="dot", kind=ShapeError) == (
        "the leading axes of (3, 5, 4) and (2, 5, 4) do not broadcast"
    )
    assert said(lw.explain, x, y, metric="dott", kind=UnknownMetricError).startswith("no metric is called 'dott'; did ")
    assert said(lw.explain, lw.topk, x, metric="dot") == (
        "topk cannot be called so: missing a required argument: 'items'; its arguments are queries, items, k, metric, "
        "where, n_jobs, memory_limit, on_bad, progress, stats"
    )
    assert said(lw.explain, x, y, verb="within", metric="dot", measure=True) == (
        "within has to know its radius to be measured: radius=0.5"
    )
    sparse = pytest.importorskip("scipy.sparse").eye(4, format="csr")
    assert said(lw.explain, lw.topk, sparse, sparse, 2, metric="cosine") == (
        "queries is a sparse matrix; what dense rows cost is explained, or a shape in their place"
    )
    assert said(lw.explain, (40, 3), verb="kmeans", k=41) == "k=41 clusters of 40 rows; at most 40"
    shelf = lw.prepare(np.ones((5, 4)), metric="dot")
    assert said(lw.explain, x, shelf, verb="pairwise") == (
        "prepared items serve searches: topk and within; pairwise takes the rows themselves"
    )


def test_what_is_too_much_to_measure_is_refused(monkeypatch):
    from likewise.costs import run

    text = said(lw.explain, "[100000,100000] @ [100000,1000000]", measure=True)
    assert text.startswith("[100000, 100000] @ [100000, 1000000]: matrix product: about ")
    assert text.endswith(
        " are expected, and at most 10 s are measured; measure something smaller, or read the time expected"
    )
    monkeypatch.setattr(run, "physical_memory", lambda: 1e6)
    assert said(lw.explain, "[1000,1000] + [1000,1000]", measure=True) == (
        "[1000, 1000] + [1000, 1000]: sum element by element: it takes 12 MB, and at most 500 KB are measured with; "
        "measure something smaller, or read the time expected"
    )


# ---- text at random

TOKENS = st.sampled_from(
    ["[3,2]", "[2,4]", "[", "]", "(", ")", "3", ",", "@", ".", "*", "/", "+", "-", "linear", "attention", "transformer",
     "feed_forward", "inputs=", "outputs=", "tokens=", "width=", "heads=", "layers=", "context=", "metric=", "dot",
     "manhattan", "rbf(gamma=", "'", '"', "True", "None", "-1", "1e400", "10**9", "\\", "\0", "é", " ", "\n", "lambda",
     "__import__", "f'{x}'", ":=", "**", "=", "9" * 40]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=14).map("".join) | st.text(max_size=40))
def test_any_text_is_explained_or_refused(text):
    try:
        cost = lw.explain(text)
        assert str(cost)
        json.dumps(cost.as_dict(), allow_nan=False)
    except LikewiseError as error:
        assert str(error)  # noqa: PT017


NEEDED = {
    "linear": {"inputs": 4, "outputs": 6},
    "feed_forward": {"tokens": 3, "width": 8},
    "attention": {"tokens": 3, "width": 8, "heads": 2},
    "transformer": {"layers": 2, "width": 8, "heads": 2, "context": 5},
}
KEYS = ["inputs", "outputs", "batch", "tokens", "width", "heads", "kv_heads", "keys", "hidden", "layers", "context"]
KEYS += ["vocabulary", "metric", "bias", "tied", "norm", "dtype", "causal", "gated", "positions", "fused", "final_norm"]
VALUES = [
    0,
    1,
    2,
    4,
    8,
    10**12,
    -1,
    2.5,
    True,
    False,
    None,
    "dot",
    "manhattan",
    "rbf(gamma=1)",
    "layer",
    "float64",
    "x",
]


@given(
    st.sampled_from(sorted(NEEDED)),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3),
)
def test_any_settings_are_explained_or_refused(name, settings):
    settings = NEEDED[name] | settings
    text = f"{name}({', '.join(f'{key}={value!r}' for key, value in settings.items())})"
    try:
        cost = lw.explain(text)
        assert np.isfinite(cost.seconds)
        assert str(cost)
        json.dumps(cost.as_dict(), allow_nan=False)
    except LikewiseError as error:
        assert str(error)  # noqa: PT017
