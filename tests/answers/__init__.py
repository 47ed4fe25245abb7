"""Answers to the exercises, one module per chapter: SOLUTIONS, STUBS and typical WRONG ones."""
