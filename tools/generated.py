"""What the tools that write pages share: write a page, or with --check only say whether it is up to date."""

import argparse
import difflib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def asked_to_check(about: str | None) -> bool:
    """Whether the command line says --check."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the page is out of date")
    return parser.parse_args().check


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
