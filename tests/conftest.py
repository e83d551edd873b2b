"""What several test folders share."""

import os

import pytest

# One thread: reproducible sums, and no contention between jobs that tests start side by side.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="also run tests that take minutes")
    parser.addoption("--rounds", type=int, default=30, help="rounds of the slow fault test")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--run-slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow; run with --run-slow"))
