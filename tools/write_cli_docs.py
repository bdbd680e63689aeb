"""Write docs/cli.md from the help of the command line; with --check, only say whether it is up to date."""

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cli.md"
WIDTH = 88  # of the help texts, whatever terminal this runs in
HEAD = """\
# Command line

<!-- Written by tools/write_cli_docs.py from the program's own help: change likewise/cli.py, then run it again. -->

```console
pip install 'likewise[cli]'
```
"""


def helps(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    """Yield (full name, help text) of a command and of all that are below it, in the order of the help."""
    command.rich_markup_mode = None  # plain text: boxes and colours depend on the terminal and the version of Rich
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH, color=False
    )
    yield context.command_path, command.get_help(context)
    for child in command.list_commands(context) if hasattr(command, "list_commands") else ():
        if not command.commands[child].hidden:
            yield from helps(command.commands[child], child, context)


def page(app: Any) -> str:
    """The Markdown page for a Typer application."""
    sections = [f"\n## {name}\n\n```text\n{text.strip()}\n```\n" for name, text in helps(get_command(app), "likewise")]
    return HEAD + "".join(sections)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the page is out of date")
    check = parser.parse_args().check

    sys.path.insert(0, str(ROOT))  # this tree's program, not one installed elsewhere
    from likewise.cli import app

    new = page(app)
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if new == old:
        return 0
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(new, encoding="utf-8")
        print(f"wrote {PAGE}")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(old.splitlines(True), new.splitlines(True), "docs/cli.md", "likewise --help", n=1)
    )
    print("\ndocs/cli.md is not what the program prints. To write it again: .venv/bin/python tools/write_cli_docs.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
