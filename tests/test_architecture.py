"""Imports go down only, and `import likewise` is light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the bottom up. A module imports from lower floors and from its own package; neighbours on one floor
# do not know each other. "likewise" is the package's __init__: the names that a user sees.
FLOORS = [
    ["errors"],  # the exceptions
    ["extras"],  # optional packages, and what to install
    ["formula"],  # what "alike" means
    ["reductions"],  # what is done with the comparisons
    ["plan"],  # how a call will be computed
    ["backends"],  # what computes it
    ["bits"],  # packed bits, as a caller hands them in
    ["arrays"],  # the door for input: dtypes, buffers, shapes
    ["vectors", "rates"],  # on single vectors; the rates that this machine's instructions allow
    ["compute"],  # the verbs: check, plan, run
    ["transforms"],
    ["geometry", "machine", "costs"],  # can this space be trusted; what this machine can do; what a computation costs
    ["files"],  # tables in and out
    ["terms"],  # texts as rows of counted terms
    ["recommend", "text", "translate", "estimators", "nn"],  # uses
    ["likewise"],
    ["report"],  # a page on a space of vectors
    ["cli", "server"],  # doors
    ["__main__"],  # python -m likewise
]
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}


def entry(module: str) -> str:
    """The entry of the table that a dotted module name belongs to: likewise.backends.llvm.pack -> backends."""
    head, _, rest = module.partition(".")
    return rest.split(".")[0] or head


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Yield (line, entry) for each import from likewise, inside functions too, but not `if TYPE_CHECKING`."""
    if isinstance(tree, ast.If) and ast.unparse(tree.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        children = tree.orelse
    else:
        children = list(ast.iter_child_nodes(tree))

    if isinstance(tree, ast.Import):
        targets = [alias.name for alias in tree.names]
    elif isinstance(tree, ast.ImportFrom):
        base = package.split(".")[: len(package.split(".")) - tree.level + 1] if tree.level else []
        source = ".".join([*base, *([tree.module] if tree.module else [])])
        if source == "likewise":  # from likewise import plan, topk: a module, or a name of __init__
            names = [alias.name for alias in tree.names if alias.name != "__version__"]  # the version is anybody's
            targets = [f"likewise.{name}" if name in FLOOR else "likewise" for name in names]
        else:
            targets = [source]
    else:
        targets = []

    yield from ((tree.lineno, entry(t)) for t in targets if t.split(".")[0] == "likewise")
    for child in children:
        yield from imports(child, package)


def upward(source: str, module: str, package: str) -> list[str]:
    """One line for each import that does not go down."""
    here = entry(module)
    if here not in FLOOR:
        return [f"{module} has no floor: give it one in tests/test_architecture.py"]
    return [
        f"{module}:{line} imports {there}"
        for line, there in imports(ast.parse(source), package)
        if there != here and (there not in FLOOR or FLOOR[there] >= FLOOR[here])
    ]


def test_imports_go_down_only():
    faults = []
    for path in sorted((ROOT / "likewise").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        faults += upward(path.read_text(encoding="utf-8"), module, package=".".join(parts[:-1]))
    assert not faults, "\n".join(["imports that do not go down:", *faults])


@pytest.mark.parametrize(
    ("source", "module", "faults"),
    [
        ("import likewise.compute", "likewise.plan", ["likewise.plan:1 imports compute"]),
        ("import numpy, likewise", "likewise.plan", ["likewise.plan:1 imports likewise"]),
        ("from likewise import errors, cli", "likewise.plan", ["likewise.plan:1 imports cli"]),
        ("from likewise import __version__", "likewise.plan", []),
        ("from . import topk", "likewise.recommend", ["likewise.recommend:1 imports likewise"]),
        ("from .text import embed", "likewise.recommend", ["likewise.recommend:1 imports text"]),
        (
            "from .. import errors\nfrom ..plan import Plan",
            "likewise.formula.expr",
            ["likewise.formula.expr:2 imports plan"],
        ),
        ("from .expr import X", "likewise.formula.trace", []),
        (
            "from ...compute import topk",
            "likewise.backends.llvm.pack",
            ["likewise.backends.llvm.pack:1 imports compute"],
        ),
        ("def f():\n    from likewise.cli import app", "likewise.files", ["likewise.files:2 imports cli"]),
        (
            "if TYPE_CHECKING:\n    from .compute import topk\nelse:\n    from .cli import app",
            "likewise.plan",
            ["likewise.plan:4 imports cli"],
        ),
        ("", "likewise.other", ["likewise.other has no floor: give it one in tests/test_architecture.py"]),
    ],
)
def test_an_upward_import_is_found(source, module, faults):
    assert upward(source, module, package=module.rpartition(".")[0]) == faults


def test_import_loads_numpy_and_nothing_heavier():
    code = """
import sys, numpy.random
before = set(sys.modules)
import likewise
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - sys.stdlib_module_names))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() in (["likewise"], ["likewise", "numpy"])
