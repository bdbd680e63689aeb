"""The documentation runs: every Python block of README.md and docs/*.md, in order, one namespace a page."""

import doctest
import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tools.check_docs import broken

ROOT = Path(__file__).parents[1]


def blocks(page: Path) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the index of its first line of code."""
    fences = [t for t in MarkdownIt().parse(page.read_text(encoding="utf-8")) if t.type == "fence"]
    return [(t.map[0] + 1, t.content) for t in fences if t.info.split()[:1] in (["python"], ["py"], ["pycon"])]


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


PAGES = [p for p in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))] if p.exists() and blocks(p)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page, tmp_path, monkeypatch):
    if (ROOT / "examples").exists():  # a copy, so that a page may write beside what it reads
        shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    run(page)


@pytest.mark.parametrize("code", ["1 / 0", ">>> 1 + 1\n3", "x = 1\n```\n\ntext\n\n```python\nassert x == 2"])
def test_a_page_that_is_wrong_fails(code, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n```python\n{code}\n```\n")
    with pytest.raises((AssertionError, ZeroDivisionError)) as failure:
        run(page)
    if failure.type is not AssertionError:
        assert failure.traceback[-1].lineno == 3  # counted from 0: the line of the page


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
