"""What holds for every test: none hears less of the log because of one before it."""

import logging
from collections.abc import Iterator

import hypothesis
import pytest

# How long an example takes is for benchmarks to judge; a busy machine fails no test.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _log_levels_as_they_were() -> Iterator[None]:
    """Programs set the levels of loggers, which outlive them where a test runs a program in its own process."""
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    before = [(logger, logger.level) for logger in (logging.root, *loggers)]
    yield
    for logger, level in before:
        if logger.level != level:
            logger.setLevel(level)
