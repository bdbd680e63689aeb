"""Write the figures of docs/recommend.md from an evaluation; with --check, only say whether they are up to date.

Without the data (LIKEWISE_DATA) nothing is written, and a check says so and passes.
"""

import os
import sys
from pathlib import Path

from generated import ROOT, asked_to_check, between, grid, keep

PAGE = ROOT / "docs" / "recommend.md"
SPLITS = {"history": "The last fifth of each user's history", "items": "New items: a fifth of all films, by chance"}


def figures(folder: Path) -> str:
    """Markdown tables: models beside each other on two splits."""
    from likewise.recommend import Attributes, Blend, Ease, Interactions, Neighbours, Taste, evaluate

    ratings = Interactions.read(folder / "ratings.csv")
    films = Attributes.read(folder / "movies.csv")
    models = {
        "Ease": Ease(),
        "Ease, fading": Ease(fading=5),
        "Neighbours": Neighbours(),
        "Neighbours, fading": Neighbours(fading=5),
        "Taste": Taste(),
        "0.9 Ease + 0.1 Taste": Blend([(Ease(), 0.9), (Taste(), 0.1)]),
    }
    parts = []
    for split, title in SPLITS.items():
        report = evaluate(models, ratings, items=films, split=split, cold=False, bootstrap=1000, seed=0)
        parts.append(f"{title}:\n\n{shown(report)}")
    return "\n".join(parts)


def shown(report) -> str:
    """The columns that a page has room for, to three digits: the fourth may differ between machines."""
    heads = [
        "",
        "users",
        f"NDCG@{report.k}",
        "interval",
        "less Popular",
        "interval",
        "HR",
        "recall",
        "coverage",
        "novelty",
    ]
    rows = []
    for row in report.rows:
        cells = [
            row["model"],
            f"{row['users']:,}",
            f"{row['ndcg']:.3f}",
            f"{row['ndcg_low']:.3f} to {row['ndcg_high']:.3f}",
        ]
        if row["model"] == "Popular":
            cells += ["", ""]
        else:
            less = report.difference(row["model"], "ndcg", row["group"])
            cells += [f"{less['difference']:+.3f}", f"{less['low']:+.3f} to {less['high']:+.3f}"]
        cells += [f"{row['hr']:.3f}", f"{row['recall']:.3f}", f"{row['coverage']:.0%}", f"{row['novelty']:.1f} bits"]
        rows.append(cells)
    return grid(heads, rows)


def main() -> int:
    check = asked_to_check(__doc__)
    sys.path.insert(0, str(ROOT))  # this tree's library, not one installed elsewhere
    data = Path(os.environ.get("LIKEWISE_DATA", ROOT.parent / "shared" / "data")) / "ml-latest-small"
    if not data.exists():
        print(f"the figures of docs/recommend.md are not looked at: {data} is absent (set LIKEWISE_DATA)")
        return 0
    text = between(PAGE.read_text(encoding="utf-8"), {"figures": figures(data)}, PAGE.name)
    return keep(PAGE, text, tool="write_recommend_docs.py", check=check)


if __name__ == "__main__":
    sys.exit(main())
