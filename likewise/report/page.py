"""A report as one page of HTML: nothing is fetched for it, no script runs in it, and it reads without colours.

Everything that came with the caller's file (its name, columns, labels) is escaped before it gets here or here;
:func:`page` escapes all texts of the findings, which are plain text.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from likewise.report.finding import LEVELS, Finding, Level

if TYPE_CHECKING:
    from likewise.report.making import Report

#: A sign and a word for each level: neither needs a colour.
SIGNS: dict[Level, tuple[str, str]] = {"act": ("▲", "Act"), "note": ("●", "Know"), "good": ("✓", "Fine")}

# Contrasts with the background are 4.5 to 1 at least, as WCAG 2.1 asks, on light paper and on dark.
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #f3f4f6; --line: #c9ced6; --dim: #4d5561;
  --act: #a34500; --note: #005a92; --good: #00664a; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #eceff3; --paper: #15181c; --soft: #21262d;
  --line: #454d58; --dim: #b3bac4; --act: #ffa25c; --note: #7cc4f5; --good: #5fd3ad; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 46rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.1rem 0 .2rem; }
p { margin: .4rem 0; }
a { color: inherit; text-decoration-color: var(--dim); text-underline-offset: .15em; }
a:focus-visible { outline: 3px solid var(--note); outline-offset: 2px; }
.dim { color: var(--dim); font-size: .92rem; }
.verdicts { list-style: none; margin: .6rem 0 0; padding: 0; }
.verdicts li { display: flex; gap: .7rem; align-items: baseline; padding: .45rem 0; border-top: 1px solid var(--line); }
.verdicts a { text-decoration: none; }
.verdicts a:hover { text-decoration: underline; }
.badge { flex: none; width: 5.2rem; padding: 0 .5rem; border: 2px solid; border-radius: .3rem; font-size: .85rem;
  font-weight: 700; white-space: nowrap; text-align: center; display: inline-block; }
.act .badge { color: var(--act); border-style: solid; }
.note .badge { color: var(--note); border-style: dashed; }
.good .badge { color: var(--good); border-style: dotted; }
nav ol { columns: 2 15rem; padding-left: 1.4rem; margin: .4rem 0; }
section { margin-top: 2rem; padding-top: 1.2rem; border-top: 3px solid var(--line); }
.answer { font-size: 1.1rem; font-weight: 600; margin: .2rem 0 .8rem; }
.answer .badge { margin-right: .4rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .5rem; margin: .8rem 0; }
dl div { background: var(--soft); border-radius: .4rem; padding: .45rem .7rem; }
dt { font-size: .82rem; color: var(--dim); }
dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
dl.words { display: block; }
dl.words div { background: none; padding: .2rem 0; }
dl.words dt { font-size: 1rem; font-weight: 600; color: inherit; }
dl.words dd { font-weight: 400; }
figure { margin: 1rem 0; }
figure svg { display: block; width: 100%; max-width: 33rem; height: auto; color: var(--ink); stroke-linejoin: round;
  stroke-linecap: butt; font-family: inherit; }
figcaption { color: var(--dim); font-size: .88rem; max-width: 38rem; }
pre { background: var(--soft); border-left: 4px solid var(--line); padding: .6rem .8rem; overflow-x: auto; }
pre, code { font-family: ui-monospace, "SF Mono", Consolas, "Liberation Mono", monospace; font-size: .88rem; }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
@media (max-width: 30rem) { pre { white-space: pre-wrap; } }
@media print { @page { margin: 13mm 16mm; } html { font-size: 9.5pt; }
  body { max-width: none; padding: 0; line-height: 1.4; } section { margin-top: 1rem; padding-top: .7rem; }
  section, .answer, table { break-inside: avoid; }
  h2, h3, .answer, dl { break-after: avoid; }
  figure, dl div, pre, tr, .verdicts li { break-inside: avoid; }
  .scroll, pre { overflow: visible; } pre { white-space: pre-wrap; } figure svg { max-width: 105mm; }
  figure { margin: .6rem 0; } h3 { margin-top: .6rem; }
  nav { display: none; } }
""".strip()

#: What the field's own words mean; a page explains those that it uses.
_WORDS = {
    "CSLS": "cross-domain similarity local scaling: twice a cosine, less the mean cosine of either row with its "
    "nearest rows. A row that is near to everything is then near to nothing in particular (Conneau et al. 2018).",
    "effective rank": "how many equally strong directions would spread the rows as evenly as theirs do "
    "(Roy & Vetterli 2007).",
    "intrinsic dimension": "how many numbers it takes to say where a row lies among its neighbours; a sheet of paper, "
    "however crumpled, has 2.",
    "IsoScore": "1 where rows vary alike in all directions, 0 where they vary in one (Rudman et al. 2022).",
    "local scaling": "a squared distance over the product of how far either row's k-th neighbour is "
    "(Zelnik-Manor & Perona 2004).",
    "mutual proximity": "how improbable it is, seen from both rows, that a random row is as near "
    "(Schnitzer et al. 2012).",
    "neighbours": "the k nearest other rows, by the metric named on top.",
    "re-ranked": "small codes find some candidates, and the full vectors put these in order.",
    "recall@": "the share of the true nearest rows, as many as the number says, that a search by codes returns.",
    "Robin Hood index": "the share of places in neighbour lists that would have to move for all rows to have as "
    "many; 0 is even.",
    "skewness": "how lopsided the counts are of lists that a row stands in: 0 where they scatter evenly about the "
    "mean, over 2 where a few rows have most of the places.",
    "Whiten": "turns and scales the axes so that all vary alike and none follows another; Euclidean distance is then "
    "Mahalanobis'.",
}

#: What the names in lines of code are.
_CODE = (
    "In lines of code, <code>import numpy as np</code> and <code>import likewise as lw</code> come first; "
    "<code>items</code> are these rows as an array, <code>queries</code> what you search with (of neighbours among the "
    "rows themselves: the same array, whose first neighbour is then the row itself), <code>labels</code> a class for "
    "each row."
)


def page(report: Report) -> str:
    """The page of a report."""
    findings = report.findings
    words = _glossary(findings)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="likewise">
<link rel="icon" href="data:,">
<title>{escape(report.name)}: can these vectors be trusted?</title>
<style>
{_STYLE}
</style>
</head>
<body>
<header>
<h1>{escape(report.name)}</h1>
<p>{escape(report.about)}</p>
</header>
<main>
<section id="verdict" aria-labelledby="verdict-head">
<h2 id="verdict-head">In short</h2>
<p>{escape(report.summary)}</p>
<ol class="verdicts">
{_lines(_verdict(finding) for finding in report.by_level())}
</ol>
</section>
<nav aria-labelledby="contents-head">
<h3 id="contents-head">The questions</h3>
<ol>
{_lines(f'<li><a href="#{escape(f.key)}">{escape(f.title)}</a></li>' for f in findings)}
{'<li><a href="#words">What the words mean</a></li>' if words else ""}
<li><a href="#method">How this was found out</a></li>
</ol>
</nav>
{_lines(map(_section, findings))}
{words}
<section id="method" aria-labelledby="method-head">
<h2 id="method-head">How this was found out</h2>
{_lines(f"<p>{escape(line)}</p>" for line in report.method)}
<p>{_CODE}</p>
</section>
</main>
</body>
</html>
"""


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _badge(level: Level) -> str:
    sign, word = SIGNS[level]
    return f'<span class="badge"><span aria-hidden="true">{sign}</span> {word}</span>'


def _verdict(finding: Finding) -> str:
    link = f'<a href="#{escape(finding.key)}">{escape(finding.verdict)}</a>'
    return f'<li class="{finding.level}">{_badge(finding.level)} {link}</li>'


def _section(finding: Finding) -> str:
    """A finding in full: verdict, numbers, picture, what it means, what to do, how sure it is, all numbers."""
    key = escape(finding.key)
    parts = [
        f'<section id="{key}" class="{finding.level}" aria-labelledby="{key}-head">',
        f'<h2 id="{key}-head">{escape(finding.title)}</h2>',
        f'<p class="answer">{_badge(finding.level)} {escape(finding.verdict)}</p>',
    ]
    if finding.figures:
        boxes = (
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in finding.figures.items()
        )
        parts.append(f"<dl>{''.join(boxes)}</dl>")
    if finding.plot is not None:
        caption = f"<figcaption>{escape(finding.plot.alt)}</figcaption>"
        parts.append(f"<figure>\n{finding.plot_svg}\n{caption}\n</figure>")
    parts += ["<h3>What it means</h3>", f"<p>{escape(finding.meaning)}</p>"]
    parts += ["<h3>What to do</h3>", f"<p>{escape(finding.action)}</p>"]
    if finding.code:
        parts.append(f'<pre tabindex="0"><code>{escape(finding.code)}</code></pre>')
    if finding.rows:
        parts.append(_table(finding.heads, finding.rows))
    if finding.sure:
        parts.append(f'<p class="dim">{escape(finding.sure)}</p>')
    return "\n".join([*parts, "</section>"])


def _glossary(findings: Iterable[Finding]) -> str:
    """The field's words that these findings use, explained."""
    text = " ".join(
        " ".join((f.verdict, f.meaning, f.action, f.code, *f.figures, *f.heads, *(row[0] for row in f.rows)))
        for f in findings
    )
    words = sorted((word for word in _WORDS if word.lower() in text.lower()), key=str.lower)
    if not words:
        return ""
    lines = _lines(f"<div><dt>{escape(word.rstrip('@'))}</dt><dd>{escape(_WORDS[word])}</dd></div>" for word in words)
    head = '<section id="words" aria-labelledby="words-head">\n<h2 id="words-head">What the words mean</h2>'
    return f'{head}\n<dl class="words">\n{lines}\n</dl>\n</section>'


def _table(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = _lines("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    return f'<div class="scroll" tabindex="0">\n{table}\n</div>'


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """What asks for an act first, then what to know, then what is fine; in the page's order among themselves."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))
