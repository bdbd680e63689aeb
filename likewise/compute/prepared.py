"""Items checked, measured and packed once, for many searches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, BitBatch, read
from likewise.compute.coding import USUAL_K, choose_coding, code, may_code
from likewise.compute.options import Options, read_options
from likewise.compute.partial import WORTH_BESIDE_CODES, choose_heads, may_cut
from likewise.compute.sides import (
    as_rows,
    counts_bits,
    good_rows,
    makes_rows,
    metric_for,
    search_statistics,
    side_of,
    transformed,
)
from likewise.compute.sparse import PreparedSparse, takes_sparse
from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.formula.partial import group_allowance
from likewise.formula.rank import rank_key
from likewise.formula.screen import Rows, Screen, choose
from likewise.plan import Outlook, scan_seconds

if TYPE_CHECKING:
    from likewise.backends.llvm.codes import CodedItems
    from likewise.backends.llvm.partial import PartialItems
    from likewise.backends.llvm.rows import Side
    from likewise.backends.llvm.search import Packed
    from likewise.backends.llvm.single import Single, Singles


class Prepared:
    """Items checked, measured and packed once for one metric; pass it wherever ``items`` is wanted.

    Made by :func:`prepare`. It keeps a reference to the rows themselves, which settle the answers: do not change them.
    Of bits, and of zeros and ones by a metric that asks whether coordinates are equal, it keeps words of 64 bits alone.
    """

    def __init__(self, batch: Batch, metric: Metric, options: Options) -> None:
        wanted = search_statistics(metric, "y")
        side = side_of(batch, batch.array, "items", wanted, options)
        side, self.kept = good_rows(side, wanted, options)
        self.batch = batch
        self.metric = metric
        self.screen: Screen | None = None
        self.packed: Packed | None = None
        self.codes: CodedItems | None = None
        self.outlook: Outlook | None = None
        self.partial: PartialItems | None = None
        self._rows: NDArray[Any] | None = None
        self._singles: Singles | Literal[False] | None = None
        self._most_alone = 0
        self.words_only = self._keeps_words(side)
        if self.words_only:
            self._pack_words(side, options.threads)
            return
        side = as_rows(side, wanted, options)
        self.side = transformed(side, metric, wanted, options)
        if metric.matrix is not None or not makes_rows(metric):
            self._code(options.threads)
            if (
                self.codes is None or self.codes.coding.basis is None
            ):  # principal coordinates first are not to be beaten
                self._cut(options.threads)
            if not self._screens_first():
                self._pack(options.threads)

    def _screens_first(self) -> bool:
        """Whether whole rows are compared only where codes or partial sums leave a doubt."""
        return self.codes is not None or self.partial is not None

    def _keeps_words(self, side: Side) -> bool:
        """Whether queries are to be expected that bits alone can answer."""
        if not counts_bits(self.metric, side, side):
            return False
        compares = any(node.is_truth for term in self.metric.terms for node in term.walk())
        return isinstance(self.batch, BitBatch) or compares

    def _pack_words(self, side: Side, threads: int) -> None:
        """Keep words, and let go of the rows."""
        from likewise.backends.llvm.bits import panel_side
        from likewise.backends.llvm.search import Packed, item_packer, search_formula

        self.screen = choose(self.metric, side.known, side.known, side.d)
        packer = item_packer(side, self.metric, self.screen)
        wanted = search_formula(self.metric, self.screen).stats
        padded = packer.padded_stats(wanted, 0, side.n, packer.lanes)
        self.packed = Packed(packer.pack(0, side.n, threads), 0, side.n, packer.lanes, padded)
        stats = {}
        for name, array in side.stats.items():
            if f"{name}_y" in padded:  # shared: settling needs no copy of its own
                stats[name] = padded[f"{name}_y"][: side.n]
            elif f"{name}_y" in self.metric.stats:
                stats[name] = array
        self.side = panel_side(side, self.packed.data, packer.lanes, stats)
        self.batch = replace(self.batch, array=np.broadcast_to(np.zeros((), np.uint8), self.batch.array.shape))

    def _expected(self) -> Screen:
        """The screen for the queries to be expected: as exact in float32 as the items are."""
        queries = Rows(self.side.known.exact, False, -1.0, 1.0)
        return choose(self.metric, queries, self.side.known, self.side.d)

    def _code(self, threads: int) -> None:
        """Code the items, if searches will be faster by that."""
        plain = replace(self.metric, matrix=None)
        screen = self._expected()
        found = choose_coding(plain, screen, self.side, USUAL_K, None, threads)
        if found is not None:
            coding, self.outlook = found
            self.screen = screen
            self.codes = code(screen, self.side, coding, threads)

    def _cut(self, threads: int) -> None:
        """Arrange the items for partial sums, if searches will be faster by that than any other way."""
        from likewise import rates
        from likewise.backends.llvm.partial import arrange_items

        plain, screen = replace(self.metric, matrix=None), self._expected()
        known = self.side.known
        queries = Rows(known.exact, known.whole, known.low, known.high)  # like the items
        found = choose_heads(plain, screen, queries, self.side, USUAL_K, None, threads)
        if found is None:
            return
        if self.codes is not None and self.outlook is not None:
            rate = rates.integer_rate(self.codes.coding.kind)
            if scan_seconds(1, self.side.n, self.outlook, rate) * WORTH_BESIDE_CODES < found[1]:
                return
            self.codes = self.outlook = None
        self.screen = screen
        self.partial = arrange_items(self.side, plain, screen, found[0], threads)

    def partial_for(self, screen: Screen, metric: Metric, queries: Rows, k: int) -> PartialItems | None:
        """The items arranged for partial sums, if these prove something about such queries."""
        items = self.partial
        if items is None or not items.serves(metric, screen):
            return None
        known, n, d = self.side.known, self.side.n, self.side.d
        if items.heads.size > 1 and group_allowance(metric, screen, queries, known, d) is None:
            return None
        return items if may_cut(metric, screen, queries, known, n, d, k) else None

    def codes_for(self, screen: Screen, metric: Metric, k: int, some: int | None = None) -> CodedItems | None:
        """The coded items, if a search of the k best by this screen may go through them on the current target.

        ``some``: it will go through so many of them only.
        """
        from likewise.backends.llvm.target import current

        mine, codes = self.screen, self.codes
        if mine is None or codes is None or codes.tile.target != current():
            return None
        if some is not None and some < 32 * k:
            return None
        if may_code(metric, screen, self.side.n, self.side.d, k) != codes.coding.rule:
            return None
        same = (mine.core, mine.scale_y) == (screen.core, screen.scale_y)
        return codes if same else None

    def single(self, k: int, n_jobs: int | None) -> Single | None:
        """What answers one float32 query after another; None where that takes a search of the usual kind."""
        singles = self._singles
        if singles is None:
            singles = self._singles = self._make_singles() or False
        return singles.get(k, n_jobs) if singles and k <= self._most_alone else None

    def _make_singles(self) -> Singles | None:
        from likewise.backends.llvm.search import screen_norms, search_formula
        from likewise.backends.llvm.single import Single, Singles, serves
        from likewise.formula.screen import slack

        screen, codes = self.screen, self.codes
        if screen is None or codes is None or self.kept is not None:
            return None
        side, formula = self.side, search_formula(self.metric, screen)
        if not serves(codes.coding, self.metric, screen, formula) or not side.known.exact:
            return None
        size = 2 * side.known.magnitude
        bound = slack(screen, self.metric, Rows(True, False, -size, size), side.known, side.d)
        if bound.exact or not np.isfinite(bound.base):
            return None
        norm = 0.0 if bound.kind == "constant" else float(screen_norms(screen, bound, side).max())
        key = rank_key(self.metric)
        self._most_alone = side.n // 64 - 16

        def make(k: int, threads: int) -> Single:
            rows = self.rows_for(screen, 1)
            return Single(codes, side, rows, self.metric, screen, formula, key, bound, norm, size, k, threads)

        return Singles(make, codes.tile.target)

    def rows_for(self, screen: Screen, threads: int) -> NDArray[Any]:
        """The items as float32 rows, made when they are first wanted."""
        from likewise.backends.llvm.search import rows32

        if self._rows is None:
            self._rows = rows32(self.side, screen, threads)
        return self._rows

    def _pack(self, threads: int) -> None:
        """Pack for those queries."""
        from likewise.backends.llvm.search import Packed, item_packer, search_formula

        self.screen = self._expected()
        packer = item_packer(self.side, self.metric, self.screen)
        names = search_formula(self.metric, self.screen).stats
        stats = packer.padded_stats(names, 0, self.side.n, packer.lanes)
        self.packed = Packed(packer.pack(0, self.side.n, threads), 0, self.side.n, packer.lanes, stats)

    def packed_for(self, screen: Screen) -> Packed | None:
        """The packed items, if that is how this screen packs them on the current target."""
        from likewise.backends.llvm.search import item_packer

        mine = self.screen
        if mine is None or self.packed is None:
            return None
        if item_packer(self.side, self.metric, mine).lanes != self.packed.width:
            return None
        same = (mine.compute, mine.core, mine.key, mine.scale_y) == (
            screen.compute,
            screen.core,
            screen.key,
            screen.scale_y,
        )
        return self.packed if same else None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d) of the items given."""
        return (self.batch.rows, self.batch.d)

    @property
    def nbytes(self) -> int:
        """Memory held beyond the rows given."""
        held = [] if self.packed is None else [self.packed.data, *self.packed.stats.values()]
        if self.words_only:
            packed = {name[:-2] for name in self.packed.stats} if self.packed else set()
            held += [array for name, array in self.side.stats.items() if name not in packed]
            return sum(int(array.nbytes) for array in held)
        coded = sum(made.nbytes for made in (self.codes, self.partial) if made is not None)
        if self._rows is not None and self._rows is not self.side.rows:
            coded += self._rows.nbytes
        held += [*self.side.stats.values()] + ([] if self.side.rows is self.batch.array else [self.side.rows])
        return coded + sum(int(array.nbytes) for array in held)

    def __len__(self) -> int:
        return self.batch.rows

    def __repr__(self) -> str:
        return f"<prepared: {self.batch.rows:,} x {self.batch.d} {self.batch.dtype} for {self.metric.name}>"


def prepare(items: Any, *, metric: Any, n_jobs: int | None = None, on_bad: str = "raise") -> Prepared | PreparedSparse:
    """Check items once, and put them into the form that is quickest to search, for many searches by one metric.

    Where 8-bit integers with a certified bound can exclude most items, by a sample of them and this machine's rates,
    items are coded so: in all coordinates, or in the principal ones first where these hold most of what tells rows
    apart. Else they are packed for floating point. Answers are the same; ``lw.explain(queries, prepared, k=k)`` says
    which it is. Choosing takes some tenths of a second, or a second or two for many coordinates.

    It keeps a reference to ``items``, which settle the answers: do not change them. What it holds beside them is
    ``nbytes``: as codes, a tenth to eight tenths of what they take in float32; packed, as much as in float32 (in
    float64 where no bound is known). The first search may add a float32 copy of coded items that are compared as other
    numbers than they are: of other types, or scaled to unit length. Of bits it keeps words alone, and no reference.

    Parameters
    ----------
    items : array_like of shape (m, d)
        Or one of SciPy's sparse matrices, which is transposed, for :func:`topk`.
    metric : str, Metric or callable
        What searches will compare by; :func:`topk` and its like then need no ``metric=``.
    n_jobs : int, optional
        Threads; default every core.
    on_bad : {"raise", "skip"}
        What to do about rows with NaN or infinite values; a skipped row is never found.

    Returns
    -------
    Prepared
        To be passed as ``items`` to :func:`topk`, :func:`within` and :func:`explain`, with the same metric or none; as
        ``queries``, with None for items, to compare the rows with each other. ``shape``, ``nbytes``. One float32 query
        at a time, as a NumPy array, takes the shortest way through codes of principal coordinates. From several
        threads at once, too.

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError
        Each says what was found and what to try.

    Examples
    --------
    >>> import likewise as lw
    >>> shelf = lw.prepare([[0.0, 0.0], [3.0, 4.0]], metric="euclidean")
    >>> lw.topk([[0.0, 1.0]], shelf, 1).indices
    array([[0]])
    """
    options = read_options(n_jobs, None, on_bad, None)
    if takes_sparse(items):
        return PreparedSparse(items, metric, options)
    batch = read(items, "items", packed=True)
    if batch.lead:
        raise ShapeError(f"prepare takes one set of items, of shape (m, d); found {batch.array.shape}")
    return Prepared(batch, metric_for(metric, batch.d), options)


def resolve_items(items: Any, metric: Any) -> tuple[Batch, Any, Prepared | None]:
    """Rows, metric and packed form of ``items=``."""
    if not isinstance(items, Prepared):
        return read(items, "items", packed=True), metric, None
    if metric is not None and (found := as_metric(metric)) != items.metric:
        raise InputError(f"these items were prepared for {items.metric.name}, not {found.name}; prepare them again")
    return items.batch, items.metric, items
