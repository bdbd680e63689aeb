"""``likewise machine``: this machine's peaks, and what each metric reaches of them."""

from __future__ import annotations

from typing import Annotated

import typer

import likewise as lw
from likewise.cli import show
from likewise.cli.guard import guarded
from likewise.cli.options import AsTable, Jobs
from likewise.extras import need
from likewise.machine.rooflines import NOTE


@guarded
def machine(
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "-m",
            metavar="NAME",
            help="A metric to measure, as in manhattan or 'minkowski(p=3)'; may be repeated. Default: every named one.",
        ),
    ] = None,
    d: Annotated[int, typer.Option("-d", min=1, max=65_536, metavar="N", help="Coordinates of the vectors.")] = 128,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the roofline into a file, as in roofline.svg.")
    ] = None,
    table: AsTable = False,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object with everything, in place of JSON lines.")
    ] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure anew what was measured before.")] = False,
    n_jobs: Jobs = None,
) -> None:
    """What this machine can do, and how much of it each metric reaches.

    Measures the rates of arithmetic, of each cache and of memory, and then every metric through the verbs; all are
    kept, so that the next time is quick. The first line is the machine, and each line after it a metric.

    Example: likewise machine --table --plot roofline.svg
    """
    if table and json:
        raise lw.errors.InputError("--table and --json were both given; take one of them")
    if plot is not None:
        lw.machine.check_picture(plot)
        need("matplotlib", "--plot", extra="plot")
    with show.progress() as progress:
        found = lw.machine.roofline(metric or None, d=d, refresh=refresh, n_jobs=n_jobs, progress=progress)
    if plot is not None:
        found.save(plot)
    if table:
        heading = f"{found.machine}\n\n{NOTE}"
        show.tables([show.plain_table([row.cells() for row in found.rows])], heading=heading)
    elif json:
        show.lines([found.as_dict()])
    else:
        show.lines([found.machine.as_dict(), *(row.as_dict() for row in found.rows)])
