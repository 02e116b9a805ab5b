"""Other projects' cases as a scorer: their rows through our readers and assembly, their facts against ours.

`python -m tests.cases [FILE…] [--verbose] [--rewrite]`. The cases lie beside the project (tests/shared.py)
and are never copied into it; what is kept here are counts, case ids, and our own words for what differs.
"""
