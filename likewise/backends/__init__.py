"""Where a plan is carried out: ``reference`` defines every answer, ``llvm`` gives it fast."""
