"""Write docs/cli.md from the help of the command line; with --check, only say whether it is up to date."""

import sys
from collections.abc import Iterator
from typing import Any

from generated import ROOT, asked_to_check, keep
from typer.main import get_command

WIDTH = 88  # of the help texts, whatever terminal this runs in
HEAD = """\
# Command line

<!-- Written by tools/write_cli_docs.py from the program's own help.
     To change it, change likewise/cli and run that again. -->

From a checkout:

```console
pip install '.[cli]'
```

The program is called `likewise`; `python -m likewise` is the same. It reads vectors from files and writes JSON lines,
a table for people (`--table`) or a file (`--out`). Errors are one line on standard error. It exits with 0 when all went
well, 2 for an error, 130 after Ctrl-C and 141 when the reader of its output goes away.
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
    check = asked_to_check(__doc__)
    sys.path.insert(0, str(ROOT))  # this tree's program, not one installed elsewhere
    from likewise.cli import app

    return keep(ROOT / "docs" / "cli.md", page(app), tool="write_cli_docs.py", check=check)


if __name__ == "__main__":
    sys.exit(main())
