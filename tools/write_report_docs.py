"""Write the tables of docs/report.md and draw its pictures; with --check, look at the tables only."""

import re
import sys
from collections.abc import Callable

import numpy as np
from generated import ROOT, asked_to_check, between, grid, keep

PAGE = ROOT / "docs" / "report.md"


def thresholds() -> str:
    """Where verdicts turn."""
    from likewise.report import TABLE

    rows = [[each.measured, f"{each.value:g}", each.said, each.why] for each in TABLE.values()]
    return grid(["what is measured", "threshold", "what is said", "why there"], rows, left=4)


def questions() -> str:
    """What is asked, in the page's order, of 300 Gaussian rows with labels."""
    from likewise.report import report

    rng = np.random.default_rng(0)
    found = report(rng.standard_normal((300, 16)), rng.integers(0, 2, 300))
    return grid(
        ["key", "question", "its figures"],
        [[f"`{f.key}`", f.title, ", ".join(f.figures)] for f in found.findings],
        left=3,
    )


def picture(svg: str) -> str:
    """A picture of a page as a file of its own: with its name space, dark ink and white paper."""
    view = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert view
    paper = f'<rect width="{view.group(1)}" height="{view.group(2)}" fill="white"/>'
    svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1)
    svg = svg.replace("</title>", f"</title>\n{paper}", 1)
    return svg.replace("currentColor", "#222222") + "\n"


def draw(write: Callable[[str, str], None]) -> None:
    """Two pictures of a report on rows in 64 dimensions that were made of twelve numbers each."""
    from likewise.report import report

    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4000, 12)) @ rng.standard_normal((12, 64)) + 0.3 * rng.standard_normal((4000, 64))
    found = report(rows.astype(np.float32))
    for key in ("hubs", "precision"):
        write(f"report-{key}.svg", picture(found[key].plot_svg))


def main() -> int:
    check = asked_to_check(__doc__)
    sys.path.insert(0, str(ROOT))
    page = between(PAGE.read_text(encoding="utf-8"), {"questions": questions(), "thresholds": thresholds()}, PAGE.name)
    if not check:
        draw(lambda name, text: print("wrote", name, (ROOT / "docs" / name).write_text(text, encoding="utf-8")))
    return keep(PAGE, page, tool="write_report_docs.py", check=check)


if __name__ == "__main__":
    sys.exit(main())
