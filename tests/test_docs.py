"""The documentation runs: every Python block of README.md, docs and examples, in order, one namespace a page."""

import ast
import doctest
import os
import re
import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tools.check_docs import broken, links, tokens

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("LIKEWISE_DATA", ROOT.parent / "shared" / "data"))


def wanted(info: str) -> list[str]:
    """The folders of real data that a block asks for, by ```python data=folder."""
    return [word.removeprefix("data=") for word in info.split() if word.startswith("data=")]


def absent(info: str) -> str:
    """One of them that is not there, or nothing."""
    return next((name for name in wanted(info) if not (DATA / name).exists()), "")


def skipped(page: Path) -> list[str]:
    """A reason for each block that has to be left out."""
    fences = [t for t in MarkdownIt().parse(page.read_text(encoding="utf-8")) if t.type == "fence"]
    return [
        f"line {t.map[0] + 1}: {DATA / absent(t.info)} is absent (set LIKEWISE_DATA)" for t in fences if absent(t.info)
    ]


def blocks(page: Path) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the index of its first line of code."""
    fences = [t for t in MarkdownIt().parse(page.read_text(encoding="utf-8")) if t.type == "fence"]
    return [
        (t.map[0] + 1, t.content)
        for t in fences
        if t.info.split()[:1] in (["python"], ["py"], ["pycon"]) and not absent(t.info)
    ]


def run(page: Path) -> None:
    namespace = {"__name__": "__main__"}
    for line, code in blocks(page):
        if code.startswith(">>>"):  # a dialogue: its answers are checked as well
            test = doctest.DocTestParser().get_doctest(code, {}, page.name, str(page), line)
            test.globs = namespace
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
            said: list[str] = []
            runner.run(test, out=said.append, clear_globs=False)
            assert not runner.summarize(verbose=False).failed, "".join(said)
        else:  # blank lines in front, so that a traceback names the line of the page
            exec(compile("\n" * line + code, str(page), "exec"), namespace)


WRITTEN = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
PAGES = [page for page in WRITTEN if blocks(page) or skipped(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_python_block_runs(page, tmp_path, monkeypatch):
    if (ROOT / "examples").exists():  # a copy, so that a page may write beside what it reads
        shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    fences = [t for t in MarkdownIt().parse(page.read_text(encoding="utf-8")) if t.type == "fence"]
    for name in sorted({name for t in fences for name in wanted(t.info) if not absent(t.info)}):
        (tmp_path / name).symlink_to((DATA / name).resolve(), target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIKEWISE_DATA", str(DATA))
    run(page)
    if left_out := skipped(page):
        pytest.skip(f"all blocks of {page.name} ran but those that need data: {'; '.join(left_out)}")


def test_blocks_without_their_data_are_left_out(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python data=nowhere\n1 / 0\n```\n")
    run(page)
    assert skipped(page) == [f"line 5: {DATA / 'nowhere'} is absent (set LIKEWISE_DATA)"]


@pytest.mark.parametrize("code", ["1 / 0", ">>> 1 + 1\n3", "x = 1\n```\n\ntext\n\n```python\nassert x == 2"])
def test_a_page_that_is_wrong_fails(code, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n```python\n{code}\n```\n")
    with pytest.raises((AssertionError, ZeroDivisionError)) as failure:
        run(page)
    if failure.type is not AssertionError:
        assert failure.traceback[-1].lineno == 3  # counted from 0: the line of the page


def unknown(page: Path) -> list[str]:
    """The functions and classes, written `name()`, that none of the files a page links to defines."""
    files = {(page.parent / target).resolve() for target, _ in links(page) if target.endswith(".py")}
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in sorted(files)]
    known = {node.name for tree in trees for node in ast.walk(tree) if hasattr(node, "name") and hasattr(node, "body")}
    spans = {token.content: None for token, _ in tokens(page) if token.type == "code_inline"}
    return [span for span in spans if re.fullmatch(r"[\w.]+\(\)", span) and span[:-2].split(".")[-1] not in known]


def test_the_map_names_what_exists():
    assert unknown(ROOT / "docs" / "map.md") == []


def test_a_name_that_is_gone_is_found(tmp_path):
    (tmp_path / "code.py").write_text("class A:\n    def f(self):\n        g = 1\n")
    page = tmp_path / "page.md"
    page.write_text("[code](code.py): `A()`, `A.f()`, `h()`, `g()`, `f(x)`, `OPS`\n")
    assert unknown(page) == ["h()", "g()"]


def test_broken_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Two `words`, twice\n## Two words twice\n"
        "[a](#two-words-twice-1) [b](page.md#two-words-twice) [c](https://example.org/none) `[d](none.md)`\n\n"
        "[e](none.md)\n![f](../g.png)\n\n[h](#none) <img src='none.png'>\n"
    )
    assert list(broken(page, tmp_path)) == [
        "page.md:5: none.md: no such file",
        "page.md:5: ../g.png: leads out of the repository",
        "page.md:8: #none: page.md has no such heading",
        "page.md:8: none.png: no such file",
    ]
