"""`tf.logging`, on Python's logger "tensorflow"."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL

_logger = logging.getLogger("tensorflow")
_counts: Counter[tuple[str, int]] = Counter()


def _get() -> logging.Logger:
    if not _logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        _logger.addHandler(handler)
        _logger.propagate = False
        if _logger.level == logging.NOTSET:
            _logger.setLevel(WARN)
    return _logger


def set_verbosity(v: int | str) -> None:
    """Print messages of this level and above. The default is WARN."""
    _get().setLevel(v)


def get_verbosity() -> int:
    return _get().getEffectiveLevel()


def log(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    _get().log(level, msg, *args, **kwargs)


def debug(msg: str, *args: Any, **kwargs: Any) -> None:
    log(DEBUG, msg, *args, **kwargs)


def info(msg: str, *args: Any, **kwargs: Any) -> None:
    log(INFO, msg, *args, **kwargs)


def warning(msg: str, *args: Any, **kwargs: Any) -> None:
    log(WARN, msg, *args, **kwargs)


warn = warning


def error(msg: str, *args: Any, **kwargs: Any) -> None:
    log(ERROR, msg, *args, **kwargs)


def fatal(msg: str, *args: Any, **kwargs: Any) -> None:
    log(FATAL, msg, *args, **kwargs)


def _count() -> int:
    """The number of earlier calls of this module from the caller's line."""
    frame = sys._getframe(2)
    key = frame.f_code.co_filename, frame.f_lineno
    _counts[key] += 1
    return _counts[key] - 1


def log_every_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Log every n-th time that the line is reached, starting with the first."""
    if _count() % n == 0:
        log(level, msg, *args)


def log_first_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Log the first n times that the line is reached."""
    if _count() < n:
        log(level, msg, *args)


def log_if(level: int, msg: str, condition: Any, *args: Any) -> None:
    """Log if the condition holds."""
    if condition:
        log(level, msg, *args)


def flush() -> None:
    for handler in _get().handlers:
        handler.flush()
