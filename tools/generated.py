"""What is written into pages by programs: tables, and where they stand.

A tool writes a page, or with --check only says whether it is up to date. Benchmarks write what they measured.
"""

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def asked_to_check(about: str | None) -> bool:
    """Whether the command line says --check."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the page is out of date")
    return parser.parse_args().check


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table, so many columns to the left and the others to the right; a bar in a cell is escaped."""
    lines = [heads, *rows]
    written = ["| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |" for cells in lines]
    written.insert(1, "|" + "|".join(["---"] * left + ["---:"] * (len(heads) - left)) + "|")
    return "\n".join(written) + "\n"


def between(page: str, parts: Mapping[str, str], name: str) -> str:
    """A page with each part between its markers, ``<!-- part -->`` and ``<!-- /part -->``, each of which is there once.

    ``name`` is the page's, for the error where one is not.
    """
    for part, text in parts.items():
        begin, end = f"<!-- {part} -->", f"<!-- /{part} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise SystemExit(f"{name} has no place for {part}, or more than one: {begin} ... {end}")
        head, tail = page.split(begin)[0], page.split(end)[1]
        page = f"{head}{begin}\n\n{text.strip()}\n\n{end}{tail}"
    return page


def keep(page: Path, new: str, *, tool: str, check: bool) -> int:
    """The exit status: 0 where the page is, or now is, as it should be."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if new == old:
        return 0
    name = page.relative_to(ROOT).as_posix()
    if not check:
        page.parent.mkdir(exist_ok=True)
        page.write_text(new, encoding="utf-8")
        print(f"wrote {name}")
        return 0
    print("".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "what it should be", n=1)))
    print(f"{name} is out of date. To write it again: .venv/bin/python tools/{tool}")
    return 1
