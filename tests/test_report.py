"""Reports: sets of rows with a known fault, and what is said of them; nothing is said of rows without one."""

import gzip
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import likewise as lw
from likewise import geometry
from likewise.cli import app
from likewise.errors import BadRowsError, InputError, MissingExtraError, ShapeError
from likewise.report import TABLE, Report, codes, report
from likewise.report.finding import counted, number, percent

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("LIKEWISE_DATA", ROOT.parent / "shared" / "data"))


def need(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"real data: {path} is absent (set LIKEWISE_DATA)")
    return path


def gaussian(n=1200, d=48):
    return np.random.default_rng(0).standard_normal((n, d))


def planted_hubs():
    """Twelve rows near the middle of 1,200 on a sphere of 48 dimensions, which has no hubs by nature."""
    return np.concatenate([0.02 * gaussian(12), lw.normalize(gaussian())])


def planted_norms():
    """Eight directions, each with a length of its own."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 8, 1200)
    return (5 * np.eye(32)[group] + rng.standard_normal((1200, 32))) * (1 + group)[:, None]


def levels(found):
    return {finding.key: finding.level for finding in found.findings}


@pytest.fixture(scope="module")
def plain():
    return report(gaussian(), name="plain")


# ---- eight sets, each with its verdict


def test_gaussian_rows_have_no_fault_but_those_of_many_dimensions(plain):
    assert plain["values"].verdict == "Every value is a number, and no row is empty."
    assert plain["copies"].verdict == "No row is there twice."
    assert plain["columns"].verdict == "Every column varies, and none drowns the others."
    assert plain["norms"].verdict.startswith("Lengths vary by no more than chance and carry nothing")
    assert plain["isotropy"].verdict == "The rows point to all sides: two drawn at random have a cosine of 0.00."
    assert plain["dimension"].verdict == "The rows fill their 48 dimensions: none can go without loss."
    assert plain["concentration"].verdict.startswith("Distances are somewhat alike: the nearest row is only 1.")
    assert plain["hubs"].verdict.startswith("Strong hubs: use local scaling. One row is among the nearest of")
    quiet = {"values", "copies", "columns", "norms", "isotropy", "dimension"}
    assert {key for key, level in levels(plain).items() if level == "good"} >= quiet
    assert [key for key, level in levels(plain).items() if level == "act"] == ["hubs"]


def test_few_dimensions_have_no_hubs():
    found = report(np.random.default_rng(0).random((1200, 3)), only=["hubs", "concentration"])
    assert found["hubs"].verdict == "No strong hubs: no row is the neighbour of far more others than its share."
    assert found["hubs"].level == found["concentration"].level == "good"
    assert found["concentration"].verdict.startswith("Distances tell rows apart: the nearest row is")


def test_planted_hubs():
    rows = planted_hubs()
    hubs = report(rows, names=[f"film {i}" for i in range(len(rows))], only=["hubs"])["hubs"]
    assert (hubs.level, hubs.verdict[:12]) == ("act", "Strong hubs:")
    largest = hubs.numbers["hubness"]["largest"]
    assert set(largest[:3]) <= set(range(12))
    assert f"Film {largest[0]} (row {largest[0]}) is among the 10 nearest of about" in hubs.meaning
    assert float(hubs.rows[2][1]) < float(hubs.rows[0][1]) / 2  # local scaling, and as they are
    assert report(rows[12:], only=["hubs"])["hubs"].level == "good"


def test_planted_norm_information():
    norms = report(planted_norms(), metric="cosine", only=["norms"])["norms"]
    assert norms.verdict.startswith("Norms carry rank information: prefer dot to cosine, which ignores them;")
    assert (norms.level, norms.code) == ("act", "found = lw.topk(queries, items, 10, metric='dot')")
    unit = report(lw.normalize(planted_norms()), metric="cosine", only=["norms"])["norms"]
    assert unit.verdict == "All vectors have length 1: dot, cosine and Euclidean distance rank alike."


def test_dot_is_not_advised_where_the_longest_rows_answer_everything():
    rows = np.load(need("glove-twitter-25d/vectors.f32.npy"))
    norms = report(rows, metric="cosine", only=["norms"], sample=1000)["norms"]
    assert norms.level == "note"
    assert norms.verdict.startswith("Norms carry information that cosine ignores, and by dot the longest rows answer")
    assert "of all that is found is among the longest hundredth of rows" in norms.meaning


def test_half_of_the_rows_are_copies():
    rows = gaussian()
    found = report(np.concatenate([rows[:600], rows[:600]]), np.tile(np.arange(600) % 2, 2))
    assert found["copies"].verdict == "50% of the rows are copies: 600 of 1,200 equal an earlier row."
    assert found["copies"].level == "act"
    assert found["copies"].meaning.endswith("All that follows is about the 600 different rows.")
    once = report(rows[:600], only=["concentration", "norms"])  # and so is all that follows
    assert found["concentration"].verdict == once["concentration"].verdict
    assert found["norms"].verdict == once["norms"].verdict
    assert "Neighbours say nothing about the labels" in found["labels"].verdict
    assert "Of rows that are equal, one each took part: 600." in found.method


def test_constant_columns():
    rows = gaussian()
    rows[:, [3, 17, 30]] = [0.0, 1.5, -1.0]
    columns = report(rows, only=["columns"])["columns"]
    assert columns.verdict == "3 of 48 columns hold one value only: they take memory and say nothing."
    assert (columns.level, columns.numbers["constant_columns"].tolist()) == ("note", [3, 17, 30])
    assert "column 3, column 17, column 30" in columns.meaning
    kept = report(rows[:, [0, 3]], columns=["length", "width"], only=["columns"])["columns"]
    assert kept.verdict == "One of 2 columns holds one value only: it takes memory and says nothing."
    assert "'width'" in kept.meaning


def test_a_column_of_another_scale():
    found = report(gaussian() * np.r_[1000.0, np.ones(47)], only=["columns"])
    assert found["columns"].verdict.startswith("Scales differ: column 0 alone decides every distance, varying ")
    assert found["columns"].level == "act"


def test_outliers_are_named():
    rows = gaussian()
    rows[[7, 300]] = [[1e6], [-2e6]]  # every coordinate
    found = report(rows, names=[f"n{i}" for i in range(1200)], only=["outliers", "columns"])
    far = found["outliers"]
    assert far.level == "act"
    assert re.match(r"2 rows lie far off all others: 1,\d{3},\d{3} to 2,\d{3},\d{3} times as far", far.verdict)
    assert "Farthest first: n300 (row 300), n7 (row 7), with nearly all of the squared" in far.meaning
    assert far.meaning.endswith("they were set aside: all that follows is about the other rows.")
    assert found.used == 1198
    assert "2 outliers were set aside, as said there." in found.method
    assert found["columns"].level == "good"  # it is these rows that are wide, no column
    given = {"np": np, "lw": lw, "items": rows}
    exec(far.code, given)
    np.testing.assert_array_equal(given["items"], np.delete(rows, [7, 300], axis=0))
    assert report(given["items"], only=["outliers"])["outliers"].level == "good"
    blind = report(rows, metric="cosine", only=["outliers"])
    assert (blind["outliers"].level, blind.used) == ("note", 1200)


def test_what_follows_is_about_the_rows_that_are_not_set_aside(plain):
    names = [f"n{i}" for i in range(1204)]
    rows = np.insert(gaussian(), 100, np.full((4, 48), -999.0), axis=0)  # copies of each other, too
    rows[0] = np.nan
    labels = [str(i % 3) for i in range(1204)]
    found = report(rows, labels, names=names)
    assert (found.used, found["labels"].numbers["items"]) == (1199, 1199)
    same = report(np.delete(rows, [0, 100, 101, 102, 103], axis=0), np.delete(labels, [0, 100, 101, 102, 103]))
    for key in ("concentration", "norms", "isotropy", "dimension", "precision", "capacity", "labels"):
        assert found[key].verdict == same[key].verdict
    assert levels(found) == levels(same) | {"values": "act", "outliers": "act", "copies": "note"}
    hub, shifted = found["hubs"].numbers["hubness"]["largest"], same["hubs"].numbers["hubness"]["largest"]
    assert hub == [number + 1 + 4 * (number + 1 >= 100) for number in shifted]


def test_a_number_that_stands_for_missing_is_found_in_one_row():
    rows = gaussian()
    rows[41] = -999
    assert report(rows, only=["outliers"])["outliers"].verdict.startswith("1 row lies far off all others: ")
    rows[42:50] = rows[41]  # copies, as far as each other
    assert re.match(r"9 rows lie far off all others: 1,004 times", report(rows, only=["outliers"])["outliers"].verdict)


def test_many_rows_that_are_far_are_no_outliers():
    rows = gaussian()
    rows[:800] *= 1e-3
    found = report(rows, only=["outliers"])["outliers"]
    assert found.level == "note"
    assert found.verdict.startswith("33% of the rows are over 30 times as far from the middle as the usual row")


@pytest.mark.parametrize("d", [1, 2, 512])
def test_light_tails_have_no_outliers(d):
    rng = np.random.default_rng(5)
    for rows in (rng.standard_normal((20_000, d)), rng.laplace(size=(20_000, d)), rng.random((20_000, d)) < 0.05):
        found = report(rows, only=["outliers"])["outliers"]
        assert (found.level, found.numbers["beyond"]) == ("good", 0)


def test_few_rows_are_hints():
    assert report(gaussian(12, 3)).about.endswith(" Only 12 rows took part: take all that is said for hints.")
    copied = report(np.repeat(gaussian(12, 3), 50, axis=0))
    assert (copied.n, copied.used) == (600, 12)
    assert "Only 12 rows took part" in copied.html()
    assert "took part" not in report(gaussian(30, 3), k=3, only=["values"]).about


def test_rows_with_nan_are_reported_and_left_out():
    rows = gaussian()
    rows[5, 3], rows[77], rows[100] = np.nan, np.inf, 0.0
    found = report(rows, metric="cosine")
    assert found["values"].verdict == (
        "2 of 1,200 rows have values that are no numbers (NaN or infinite); they were left out. "
        "And 1 row is empty, all zeros."
    )
    assert "The rows are row 5, row 77." in found["values"].meaning
    assert found["values"].level == "act"
    assert "2 rows with NaN or infinite values took no part." in found.method
    rest = report(np.delete(rows, [5, 77], axis=0), metric="cosine", only=["concentration", "hubs"])
    assert found["concentration"].verdict == rest["concentration"].verdict
    assert found["hubs"].figures == rest["hubs"].figures
    with pytest.raises(BadRowsError):
        report(rows, on_bad="raise")


def test_fashion_mnist_with_labels():
    with gzip.open(need("fashion-mnist/t10k-images-idx3-ubyte.gz")) as file:
        rows = np.frombuffer(file.read(16 + 1500 * 784), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(need("fashion-mnist/t10k-labels-idx1-ubyte.gz")) as file:
        labels = np.frombuffer(file.read(8 + 1500), np.uint8, offset=8)
    found = report(rows, labels)
    assert re.match(
        r"Intrinsic dimension 1[2-8] of 784: far fewer numbers would do near a row; 90% of .* is on 7\d axes\.",
        found["dimension"].verdict,
    )
    assert found["norms"].verdict.startswith("Lengths mislead: prefer cosine to dot, which finds the label less often")
    assert found["isotropy"].verdict.endswith("Euclidean does not see this; cosine and dot do.")
    assert re.search(
        r"separate the labels (best|equally well).*right for [78]\d% of the rows;.*dot do", found["labels"].verdict
    )
    assert "rotated dimensions lose" in found["precision"].verdict
    assert found["concentration"].level == "good"


def test_captions():
    rows = np.load(need("multi30k/minilm-train-en.f16.npy"))[:3000].astype(np.float32)
    found = report(rows, metric="cosine")
    assert found["norms"].verdict == "All vectors have length 1: dot, cosine and Euclidean distance rank alike."
    assert re.match(r"Intrinsic dimension 1\d of 384: far fewer", found["dimension"].verdict)
    assert re.match(r"(8|16)-bit codes of .* dimensions lose 0\.?\d?% recall@10", found["precision"].verdict)
    assert found["hubs"].verdict.startswith(("Some hubs: use CSLS.", "Strong hubs: use CSLS."))
    assert "lw.csls" in found["hubs"].code


# ---- labels


def test_the_metric_that_tells_labels_apart():
    rng = np.random.default_rng(0)
    labels = rng.choice(["left", "right"], 800)
    rows = rng.standard_normal((800, 64)) + np.where(labels == "left", -0.3, 0.3)[:, None]
    by_direction = report(rows * rng.lognormal(0, 1, (800, 1)), labels, only=["labels"])["labels"]
    assert by_direction.level == "act"
    assert by_direction.verdict.startswith("Cosine separates the labels best: 96.4% of the nearest")
    assert by_direction.code == f"found = lw.topk(queries, items, 1, metric={by_direction.rows[0][0]!r})"
    chance = report(rows, rng.permutation(labels), only=["labels"])["labels"]
    assert chance.verdict == "Neighbours say nothing about the labels: shuffled labels do as well, by every metric."


def test_a_formula_is_compared_beside_the_named_metrics():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    rows = rng.standard_normal((400, 4)) + 2 * labels[:, None]
    own = lw.metric(lambda x, y: abs(x - y) ** 3, name="cubes")
    found = report(rows, labels, metric=own, only=["labels"])
    assert found.metric == "cubes"
    assert "cubes" in {row[0] for row in found["labels"].rows}


def test_labels_have_to_be_one_a_row():
    with pytest.raises(ShapeError, match=r"labels have shape \(3,\); one for each of 1,200 rows is wanted"):
        report(gaussian(), ["a", "b", "c"])


# ---- what cannot be asked


@pytest.mark.parametrize("metric", ["dot", "manhattan", "jaccard", "rbf", "hamming"])
def test_every_metric_gets_an_answer(metric):
    found = report(np.abs(gaussian(150, 6)), metric=lw.rbf(gamma=0.1) if metric == "rbf" else metric)
    assert {finding.key for finding in found.findings} >= {"hubs", "norms", "concentration", "dimension"}
    if metric == "dot":
        assert "dot says how alike rows are, not how far apart" in found["concentration"].meaning


@pytest.mark.parametrize("shape", [(3, 1), (4, 2), (12, 5), (30, 1), (5, 300)])
def test_small_sets(shape):
    found = report(np.random.default_rng(0).standard_normal(shape))
    assert len(found.html()) > 10_000
    for finding in found.findings:
        assert finding.verdict
        assert "nan" not in f"{finding.verdict} {finding.meaning} {finding.action}".lower().replace("nan or", "")


def test_equal_rows_are_an_answer_too():
    found = report(np.ones((20, 3)))
    assert found["copies"].verdict == "95% of the rows are copies: 19 of 20 equal an earlier row."
    assert found.html()


def test_too_few_rows():
    with pytest.raises(ShapeError, match="3 at least"):
        report(np.ones((2, 3)))


# ---- the page


class _Reader(HTMLParser):
    """Checks that every element ends, and collects names, references and texts."""

    VOID = frozenset({"meta", "link", "br", "img", "path", "use", "rect"})

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.names, self.targets, self.tags, self.text = [], [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        held = dict(attributes)
        self.names += [held["id"]] if "id" in held else []
        self.targets += [held[name] for name in ("href", "src", "xlink:href") if name in held]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_stands_alone(plain):
    page = plain.html()
    read = _Reader(page)
    assert len(page.encode()) < 400_000
    assert len(read.names) == len(set(read.names))
    assert all(target.startswith(("#", "data:")) for target in read.targets)
    assert {target[1:] for target in read.targets if target.startswith("#")} <= set(read.names)
    assert not re.search(r"https?:|//\w|@import|<script|url\((?!#)", page)
    assert read.tags.count("svg") == len([finding for finding in plain.findings if finding.plot])
    assert page.count('role="img"') == read.tags.count("svg") == len(re.findall(r"<svg [^>]*>\s*<title", page))
    assert "#123456" not in page


def test_words_that_are_used_are_explained(plain):
    words = plain.html().partition('<section id="words"')[2].partition("</section>")[0]
    assert re.findall("<dt>(.*?)</dt>", words) == [
        *("CSLS", "effective rank", "intrinsic dimension", "IsoScore", "local scaling", "mutual proximity"),
        *("neighbours", "re-ranked", "recall", "Robin Hood index", "skewness"),
    ]
    assert 'id="words"' not in report(gaussian(), only=["values"]).html()


def test_the_page_is_the_same_again(plain):
    assert report(gaussian(), name="plain").html() == plain.html()
    assert report(gaussian(), name="plain", n_jobs=1).html() == plain.html()


def test_what_came_with_the_file_cannot_act():
    attack = "<script>alert(1)</script>"
    rng = np.random.default_rng(0)
    labels = rng.choice([attack, "a&b", '"quoted"'], 300)
    rows = rng.standard_normal((300, 4))
    rows[:, 3], rows[:20] = 1.0, rows[0]
    found = report(rows, labels, name=f"{attack}.npy", names=[attack] * 300, columns=[attack, "b", "c", attack])
    page = found.html()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.npy" in page
    assert _Reader(page).tags.count("script") == 0


def test_without_matplotlib(plain, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = report(gaussian(60, 4))
    assert str(found).count("\n") == len(found.findings)
    with pytest.raises(MissingExtraError) as raised:
        found.html()
    assert str(raised.value) == (
        "drawing the pictures of a report needs matplotlib; install it with: pip install 'likewise[report]'"
    )


def test_stages_and_sampling():
    heard = []
    found = report(gaussian(), sample=200, seed=3, on_stage=lambda *step: heard.append(step))
    assert heard[0] == ("reading", 0, 13)
    assert [step for _, step, _ in heard] == list(range(13))
    assert "200 rows, drawn at random, were each compared with all 1,200 rows" in found.method[0]
    assert found["hubs"].sure.startswith("From 200 of 1,200 rows, drawn at random.")
    assert found.by_level()[0].level == "act"
    with pytest.raises(KeyError, match="'nothing'; there are values, outliers, copies"):
        found["nothing"]


def test_thresholds_say_why():
    assert all(threshold.why and threshold.said and threshold.measured for threshold in TABLE.values())


def test_numbers_as_people_read_them():
    assert [number(x) for x in (0.0, 3.14159, 59999.6, np.nan)] == ["0", "3.14", "60,000", "no number"]
    assert [percent(x) for x in (0.0, 0.5, 0.998, 0.9999, 1.0)] == ["0%", "50%", "99.8%", "99.99%", "100%"]
    assert counted(1, "row") == "1 row"


# ---- the command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 300)
    rows = rng.standard_normal((300, 4)) + 2 * kind[:, None]
    np.save("rows.npy", rows.astype(np.float32))
    np.save("labels.npy", kind)
    Path("labels.txt").write_text("\n".join(f"kind {k}" for k in kind))
    lines = [f"item {i},{i},{','.join(map(str, row))},{k}" for i, (row, k) in enumerate(zip(rows, kind, strict=True))]
    Path("rows.csv").write_text("\n".join(["name,number,a,b,c,d,kind", *lines]))


def invoke(*args):
    return CliRunner().invoke(app, ["report", *map(str, args)])


def lines(*args):
    result = invoke(*args)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return {
        line["key"]: line
        for line in (json.loads(text, parse_constant=pytest.fail) for text in result.stdout.splitlines())
    }


def test_lines_for_programs(folder):
    found = lines("rows.npy")
    assert "labels" not in found
    assert set(found["values"]) == {
        "key", "title", "level", "verdict", "meaning", "action", "code", "sure", "numbers",
    }  # fmt: skip
    assert found["values"]["numbers"]["n"] == 300
    assert found["hubs"]["numbers"]["hubness"]["skewness"]["rows"] == 300


@pytest.mark.parametrize("labels", ["labels.npy", "labels.txt"])
def test_labels_from_a_file(folder, labels):
    assert lines("rows.npy", "--labels", labels)["labels"]["numbers"]["classes"].keys() in (
        {"0", "1"},
        {"kind 0", "kind 1"},
    )


def test_a_column_of_labels_is_no_coordinate(folder):
    found = lines("rows.csv", "--labels", "kind", "--id", "number")
    assert found["capacity"]["numbers"]["d"] == 4
    classes = found["labels"]["numbers"]["classes"]
    assert (set(classes), sum(classes.values())) == ({"0", "1"}, 300)
    named = lines("rows.csv", "--labels", "kind", "--id", "name", "--columns", "a:d")
    assert "tem " in named["hubs"]["meaning"]
    assert named["capacity"]["numbers"]["d"] == 4


def test_rows_without_a_label_are_left_out_of_that_question(folder):
    text = Path("rows.csv").read_text()
    Path("gaps.csv").write_text(re.sub(r",\d$", ",", text, count=7, flags=re.MULTILINE))
    found = lines("gaps.csv", "--labels", "kind", "--columns", "a:d")["labels"]
    assert found["numbers"]["unlabelled"] == 7
    assert "Left out: 7 rows without a label" in found["meaning"]


def test_a_page_in_a_file(folder):
    result = invoke("rows.csv", "--columns", "a:d", "--labels", "kind", "-o", "out.html", "--table", "-m", "cosine")
    assert result.exit_code == 0
    assert re.fullmatch(r"out\.html: .*to act on, \d+ to know, \d+ that are fine\.\n", result.stderr)
    assert "rows.csv: 300 rows of 4 float64 numbers, compared by cosine." in result.stdout
    page = Path("out.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>rows.csv</h1>" in page
    assert not list(Path(".").glob("*.part")) + list(Path(".").glob(".*.part"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("rows.npy", "-o", "out.pdf"), "out.pdf cannot be written: its extension is not one of .html, .htm"),
        (("rows.npy", "-o", "none/out.html"), "none/out.html cannot be written: there is no folder 'none'"),
        (
            ("rows.csv", "--labels", "kinds.txt"),
            "there is no file 'kinds.txt', and rows.csv has no column 'kinds.txt'; ",
        ),
        (
            ("rows.npy", "--labels", "kind"),
            "rows.npy has no columns, and there is no file 'kind': --labels takes a file",
        ),
        (("rows.npy", "--closer", "larger"), "--closer belongs to --formula, which was not given"),
        (("rows.npy", "-m", "euclidian"), "no metric is called 'euclidian'; did you mean 'euclidean'"),
        (("rows.csv", "--labels", "kinds"), "rows.csv has no column 'kinds'; did you mean 'kind'?"),
        (("rows.npy", "--labels", "rows.npy"), "rows.npy holds an array of shape (300, 4); labels are one a row"),
        (("rows.npy", "--labels", "rows.csv"), "rows.csv has 7 columns, and none is called label, labels, class"),
    ],
)
def test_errors_of_the_command(folder, args, said):
    result = invoke(*args)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")
    assert not Path("out.html").exists()


def test_an_interrupted_run_leaves_no_file(folder):
    code = (
        "import likewise.report.dimensions as d, sys\n"
        "def stop(*a, **k): raise KeyboardInterrupt\n"
        "import likewise.report.making as m\n"
        "m.QUESTIONS = (*m.QUESTIONS[:3], ('stop', 'stop', stop))\n"
        "from likewise.cli import main\n"
        "sys.argv = ['likewise', 'report', 'rows.npy', '-o', 'out.html']\n"
        "main()\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, timeout=120)
    assert done.returncode == 130, done.stderr
    assert sorted(path.name for path in Path(".").iterdir()) == ["labels.npy", "labels.txt", "rows.csv", "rows.npy"]


def test_a_report_is_what_it_says(plain):
    assert isinstance(plain, Report)
    told = json.loads(json.dumps(plain.as_dict(), allow_nan=False))
    assert [finding["key"] for finding in told["findings"]] == [finding.key for finding in plain.findings]


def test_only_some_questions():
    found = report(gaussian(60, 4), only=["norms", "values"])
    assert [finding.key for finding in found.findings] == ["values", "norms"]
    with pytest.raises(InputError, match="only='hub' is no question; there are values, outliers, copies, columns"):
        report(gaussian(60, 4), only=["hub"])
    with pytest.raises(InputError, match="none were given; say labels="):
        report(gaussian(60, 4), only=["labels"])
    with pytest.raises(InputError, match="k=0; a whole number of neighbours"):
        report(gaussian(60, 4), k=0)


def test_the_lines_of_code_run():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, 400)
    sets = {
        "many dimensions": gaussian(400),
        "a wide column": gaussian(400) * np.r_[1000.0, np.ones(47)],
        "a lean": gaussian(400) + 3,
        "few directions": gaussian(400, 4) @ rng.standard_normal((4, 48)),
        "faults": np.where(np.arange(48) == 3, 1.0, gaussian(400)) * (np.arange(400) > 5)[:, None],
        "classes": (gaussian(400, 64) + 0.5 * kinds[:, None]) * rng.lognormal(0, 1, (400, 1)),
    }
    run = set()
    for rows in sets.values():
        for metric in ("cosine", "euclidean"):
            for finding in report(rows, kinds, metric=metric).findings:
                if finding.code not in run:
                    run.add(finding.code)
                    given = {"lw": lw, "np": np, "items": rows, "queries": rows[:20], "labels": kinds}
                    exec(finding.code, given)
                    assert len(given["items"])
    named = " ".join(run)
    assert all(name in named for name in ("csls", "local_scaling", "Whiten", "RemoveTop", "Rotate", "normalize"))


def test_lists_of_everybody_say_nothing():
    found = report(gaussian(8, 5), k=100)
    assert found["hubs"].verdict == (
        "The question of hubs cannot be asked of these rows: of 8 rows each has all others in its list of 7; a smaller "
        "k tells."
    )
    assert "so that no code could lose one" in found["precision"].verdict
    assert "by dot as by cosine; a smaller k tells" in found["norms"].verdict
    assert "all rows are equal" in report(np.zeros((30, 4)))["hubs"].verdict


def test_no_hubs_is_said_of_enough_rows_only():
    for sample in (3, 20):
        found = report(gaussian(1200, 4), sample=sample, only=["hubs"])["hubs"]
        assert found.level == "note"
        assert found.verdict == f"Too few rows were drawn to tell whether there are hubs: {sample} of 1,200."
        assert found.action == "Draw more rows, with --sample or sample=."


def test_of_numbers_in_one_dimension_cosine_is_not_advised():
    prices = np.random.default_rng(0).lognormal(size=(200, 1))
    found = report(prices)["norms"]
    assert found.level == "note"
    assert "cosine sees the sign alone" in found.verdict
    assert report(prices, metric="cosine")["norms"].level == "act"


def test_the_code_for_columns_and_copies_does_what_is_said():
    rows = gaussian(300, 6).copy()
    rows[:, 2], rows[:, 4] = 1.0, 3 + 1e-6 * rows[:, 4]
    rows[100:200] = rows[:100]
    found = report(rows)
    given = {"np": np, "items": rows, "labels": np.arange(300)}
    exec(found["columns"].code, given)
    assert (given["items"] == rows[:, [0, 1, 3, 5]]).all()
    assert found["columns"].verdict.endswith("and 1 other hardly varies: they take memory and say next to nothing.")
    given["items"] = rows
    exec(found["copies"].code, given)
    assert (given["items"] == np.delete(rows, np.s_[100:200], axis=0)).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_code_for_few_bits_decodes_to_what_it_coded(bits):
    row = geometry.PrecisionRow("truncated", 6, bits, 6 * bits // 8, *[geometry.Estimate.exact(1.0, 300)] * 2)
    rows = gaussian(300, 6).astype(np.float32)
    given = {"np": np, "items": rows}
    exec(codes._code(row, geometry.Precision([row], "euclidean", 300, 6, 10, 40, 300, 300)), given)
    assert given["codes"].dtype == np.uint8
    assert given["codes"].max() == 2**bits - 1
    assert (np.abs(given["items"] - rows) <= 0.51 * given["step"]).all()


def test_lists_that_ties_decide_show_no_hubs():
    found = report(np.eye(60))["hubs"]
    assert found.level == "note"
    assert "the 10 nearest are all equally near, so who is listed is arbitrary" in f"{found.verdict} {found.meaning}"


def test_missing_values_of_a_table_are_left_out_and_reported(tmp_path):
    path = tmp_path / "table.csv"
    lines = [f"{'' if i == 4 else i},{i % 7},{i * i % 11}" for i in range(60)]
    path.write_text("\n".join(["a,b,c", *lines]))
    done = subprocess.run(
        [sys.executable, "-m", "likewise", "report", str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "1 of 60 rows has values that are no numbers" in done.stdout.splitlines()[0]
