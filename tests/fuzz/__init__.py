"""Coverage-guided fuzzing of what reads octets from outside: `make fuzz`, or `python -m tests.fuzz TARGET`.

What once broke a target lies in `tests/corpora/fuzz/TARGET/` and is replayed by `test_corpus.py` in every run.
"""
