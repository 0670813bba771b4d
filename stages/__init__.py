"""Thin command lines, one per DVC stage: read, call, write."""

import sys
from types import TracebackType

from pipeline.foundation.errors import PipelineError

_before = sys.excepthook


def _one_sentence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error the user can fix as its message, even if it is raised while a stage is imported."""
    if isinstance(error, PipelineError):
        sys.stderr.write(f"{error}\n")
    else:
        _before(kind, error, trace)


sys.excepthook = _one_sentence
