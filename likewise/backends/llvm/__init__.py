"""The CPU engine: expressions to SIMD code by LLVM.

Read in this order: ``target`` (what the processor has), ``emit`` (loops and vectors in IR), ``functions`` and
``lower`` (an expression to IR), ``kernels`` (packing, the register-tiled micro-kernel, one epilogue per reduction),
``jit`` (IR to machine code, cached on disk), ``pool`` (threads), ``rows`` (measured and packed), ``search`` and
``dense`` (the loops around the kernels).
"""
