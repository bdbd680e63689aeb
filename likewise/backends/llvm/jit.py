"""IR -> machine code, kept on disk.

A compiled object is stored under a key of everything that determines it: the recipe (names of kernels and their
parameters), the generator's own source, the target and LLVM's version. Writers go through a temporary file and a
rename, so several processes may share the folder; a file whose checksum is wrong is rebuilt.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from likewise.backends.llvm.target import Target, current
from likewise.errors import BackendError

Build = Callable[[ir.Module], None]
_lock = threading.RLock()
_kept: list[Any] = []  # engines own their code: they live as long as the process
_MAGIC = b"likewise-object-1\n"


class Kernel:
    """A compiled function. Called with its fields by name, it releases the GIL and returns an integer."""

    def __init__(self, address: int, fields: tuple[str, ...], name: str) -> None:
        self.name = name
        self.fields = fields
        self.call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(address)
        self._record = ctypes.c_int64 * len(fields)

    def bind(self, **values: Any) -> Any:
        """The fields as the record the code reads: integers, addresses, and floats by their bits."""
        record = self._record()
        for i, name in enumerate(self.fields):
            value = values[name]
            record[i] = (
                value if isinstance(value, int) else _float_bits(value) if isinstance(value, float) else int(value)
            )
        return record

    def __call__(self, **values: Any) -> int:
        record = self.bind(**values)  # named, so that it outlives the call
        return int(self.call(ctypes.addressof(record)))


class Bound:
    """A kernel and its record, filled once: single fields change from call to call."""

    def __init__(self, run: Kernel, fields: dict[str, Any]) -> None:
        self.record = run.bind(**fields)
        self.at = {name: i for i, name in enumerate(run.fields)}
        self.run, self.where = run.call, ctypes.addressof(self.record)

    def put(self, name: str, value: int) -> None:
        """Change a whole number or an address."""
        self.record[self.at[name]] = value

    def __call__(self) -> int:
        return int(self.run(self.where))


def _float_bits(value: float) -> int:
    return ctypes.c_int64.from_buffer_copy(ctypes.c_double(value)).value


def cache_folder() -> Path:
    """Where objects are kept: LIKEWISE_CACHE, else the user's cache folder."""
    if given := os.environ.get("LIKEWISE_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "likewise"


@functools.cache
def generator() -> str:
    """A digest of the code generator itself: a change to it makes new objects."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted([*folder.rglob("*.py"), *(folder.parents[1] / "formula").glob("*.py")]):
        digest.update(path.read_bytes())
    digest.update(f"{llvmlite.__version__} {llvm.llvm_version_info} {sys.version_info[:2]}".encode())
    return digest.hexdigest()


@functools.cache
def _machine(target: Target) -> Any:
    if target.triple.startswith("aarch64") and target.triple != llvm.get_process_triple():
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    made = llvm.Target.from_triple(target.triple)
    return made.create_target_machine(cpu=target.cpu, features=target.features, opt=2, jit=True)


def emit_ir(build: Build) -> str:
    """The module's text, before optimisation."""
    module = ir.Module("likewise")
    build(module)
    return str(module)


def _optimised(text: str, target: Target) -> tuple[Any, Any]:
    """IR text -> a module through LLVM's first level of optimisation, and the machine to emit it.

    The generator has already chosen vectors, tiles and unrolling; the higher levels only took longer (80 against 50 ms
    a search kernel) for code that runs no faster.
    """
    machine = _machine(target)
    module = llvm.parse_assembly(text)
    module.triple = target.triple
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module, machine


def compile_object(text: str, target: Target) -> bytes:
    """IR text -> object code for a target."""
    try:
        module, machine = _optimised(text, target)
        return bytes(machine.emit_object(module))
    except RuntimeError as error:
        raise BackendError(f"LLVM could not compile a kernel for {target.name} ({target.cpu}): {error}") from error


def compile_assembly(text: str, target: Target) -> str:
    """IR text -> assembly, to look at."""
    module, machine = _optimised(text, target)
    return str(machine.emit_assembly(module))


def _read(path: Path) -> bytes | None:
    """A stored object, or None if there is none that is whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head, digest, body = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + 32], data[len(_MAGIC) + 32 :]
    return body if head == _MAGIC and hashlib.sha256(body).digest() == digest else None


def _write(path: Path, body: bytes) -> None:
    """Store an object whole or not at all; a folder that cannot be written only costs the next process time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(_MAGIC + hashlib.sha256(body).digest() + body)
            os.replace(temporary, path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)


@functools.lru_cache(maxsize=4096)
def _load(recipe: str, name: str, fields: tuple[str, ...], build: _Recipe, target: Target) -> Kernel:
    with _lock:
        key = hashlib.sha256(f"{generator()}\n{target}\n{recipe}".encode()).hexdigest()
        path = cache_folder() / key[:2] / f"{key}.o"
        body = _read(path)
        if body is None:
            body = compile_object(emit_ir(build.build), target)
            _write(path, body)
        engine = _engine(target)
        try:
            engine.add_object_file(llvm.ObjectFileRef.from_data(body))
            engine.finalize_object()
            address = engine.get_function_address(name)
        except RuntimeError as error:
            raise BackendError(f"the compiled kernel {name} could not be loaded: {error}") from error
        return Kernel(address, fields, name)


class _Recipe:
    """The builder of a kernel: equal to every other, since the recipe text says which it is."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Recipe)

    def __hash__(self) -> int:
        return 0


def _engine(target: Target) -> Any:
    """A fresh engine: one per object keeps symbols apart."""
    empty = llvm.parse_assembly("")
    empty.triple = target.triple
    made = llvm.create_mcjit_compiler(empty, _mcjit_machine(target))
    _kept.append(made)
    return made


def _mcjit_machine(target: Target) -> Any:
    # the engine takes the machine over, so each gets its own
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )


def kernel(name: str, recipe: str, fields: tuple[str, ...], build: Callable[[ir.Module, str], None]) -> Kernel:
    """The compiled kernel of a recipe for the current target: from memory, from disk, or made."""
    target = current()
    return _load(f"{name}\n{recipe}", name, fields, _Recipe(lambda module: build(module, name)), target)
