"""Truncated singular value decomposition of tall matrices, dense or sparse."""

from __future__ import annotations

import numpy as np

from likewise.translate.rows import Floats, Rows, is_sparse


def truncated_svd(rows: Rows, rank: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """The largest singular values s, falling, with u (n, r) and v (d, r): rows ~ u diag(s) v^T.

    Fewer than ``rank`` where the matrix has no more: values below rounding are left out. In full (LAPACK) where a side
    is short; else by random projection and three power steps (Halko, Martinsson & Tropp 2011, algorithm 4.4), which
    needs 8 (n + d) (rank + 10) bytes two or three times over.
    """
    n, d = rows.shape
    rank = min(rank, n, d)
    if min(n, d) <= max(2 * rank, 512) and n * d <= 1 << 25:
        dense = rows.toarray() if is_sparse(rows) else rows
        u, s, vt = np.linalg.svd(dense, full_matrices=False)
        v = vt.T
    else:
        q = np.random.default_rng(seed).standard_normal((d, min(rank + 10, n, d)))
        for _ in range(3):
            q = np.linalg.qr(rows.T @ (rows @ q))[0]
        # rows q = u diag(s) w^T, so that rows ~ u diag(s) (q w)^T
        u, s, wt = np.linalg.svd(rows @ q, full_matrices=False)
        v = q @ wt.T
    keep = min(rank, int((s > s[0] * max(n, d) * np.finfo(float).eps).sum())) if len(s) and s[0] > 0 else 0
    u, s, v = u[:, :keep], s[:keep], v[:, :keep]
    # signs are arbitrary: each axis is turned so that its largest loading is positive
    signs = np.sign(v[np.abs(v).argmax(axis=0), np.arange(keep)]) if keep else np.ones(0)
    return np.asarray(u * signs), np.asarray(s), np.asarray(v * signs)
