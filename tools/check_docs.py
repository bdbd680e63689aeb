"""Check that every relative link of the documentation leads to a file, and every anchor to a heading."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
HTML_LINK = re.compile(r"""\b(?:href|src)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


def tokens(page: Path) -> Iterator[tuple[Token, int]]:
    """Yield every token of a page, inline ones too, with the line its block starts on."""
    line = 1
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else line
        yield token, line
        for child in token.children or ():
            yield child, line


def links(page: Path) -> Iterator[tuple[str, int]]:
    """Yield every target that a page links to or shows, with its line."""
    for token, line in tokens(page):
        if token.type in ("html_block", "html_inline"):
            yield from ((target, line) for target in HTML_LINK.findall(token.content))
        elif target := token.attrGet("href") or token.attrGet("src"):
            yield str(target), line


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub names them: lower case, no punctuation, hyphens; -1, -2 for repeated ones."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    in_heading = False
    for token, _ in tokens(page):
        if token.type == "inline" and in_heading:
            text = "".join(c.content for c in token.children or () if c.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        elif token.type in ("html_block", "html_inline"):
            found.update(HTML_ANCHOR.findall(token.content))
        in_heading = token.type == "heading_open"
    return found


def broken(page: Path, root: Path) -> Iterator[str]:
    """Yield one line for each link of a page that leads nowhere inside root."""
    for target, line in links(page):
        url = urlsplit(target)
        if url.scheme or url.netloc:
            continue
        path = (page.parent / unquote(url.path)).resolve() if url.path else page.resolve()
        place = f"{page.relative_to(root)}:{line}: {target}"
        if not path.is_relative_to(root.resolve()):
            yield f"{place}: leads out of the repository"
        elif not path.exists():
            yield f"{place}: no such file"
        elif url.fragment and path.suffix == ".md" and unquote(url.fragment) not in anchors(path):
            yield f"{place}: {path.name} has no such heading"


def main() -> int:
    names = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
    pages = [page for name in names if (page := ROOT / name).exists()]
    pages += [*sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
    faults = [fault for page in pages for fault in broken(page, ROOT)]
    print("\n".join(faults) or f"{len(pages)} pages, every link leads somewhere")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
