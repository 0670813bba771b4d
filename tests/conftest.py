"""Test processes side by side: one thread each, and the longest files first, so that all have work until the end."""

import os

# OpenMP threads of two processes on two cores wait for each other by spinning: the networks' tests take twice as long.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


LONGEST = ("test_end_to_end.py", "test_any_study.py", "test_published_systems.py", "test_leaks.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
