"""The errors a user may see: each is one sentence that says what is wrong, where, and what to do."""

import errno
import os
from collections.abc import Sequence

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})
KEPT = "finished cases are kept, so run the same command again"
LESS_MEMORY = f"close other programs, or set FUSION_WORKERS to fewer processes (1 is the minimum); {KEPT}"
# What ITK, torch and C++ write if they get no memory: their errors are RuntimeErrors like any other.
NO_MEMORY = ("allocate memory", "out of memory", "bad_alloc", "memory allocation", "cannot allocate")


class PipelineError(Exception):
    """An error the user can fix; shown without a traceback."""


class ParamsError(PipelineError):
    """A params file holds a value that is not allowed."""


class TableError(PipelineError):
    """A table breaks its contract."""


class ImageError(PipelineError):
    """An image or a mask cannot be read or used."""


class CohortError(PipelineError):
    """The cohort has faults that stop the analysis."""


class MachineError(PipelineError):
    """The machine failed, not the data: a full disk, too little memory, a killed process; no patient is to blame."""


def listed(faults: Sequence[str], *, heading: str, limit: int = 50) -> str:
    """Join all faults into one message: the heading, one line per fault, and a count of those not shown.

    Parameters: `faults` (sentences), `heading` (without a colon at its end), `limit` (maximum number of lines shown).
    """
    shown = [f"  - {fault}" for fault in faults[:limit]]
    if len(faults) > limit:
        shown.append(f"  … and {len(faults) - limit} more")
    return "\n".join([f"{heading}:", *shown])


def lacks_memory(error: BaseException) -> bool:
    """Whether the error says that there is too little memory, whichever library raised it."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(one in text for one in NO_MEMORY))


def machine_fault(error: BaseException) -> str | None:
    """The sentence for a fault of the machine (OSError, too little memory), with a remedy; None for any other error."""
    if lacks_memory(error):
        reason = " ".join(str(error).split())
        return f"there is too little memory{f' ({reason})' if reason else ''}; {LESS_MEMORY}"
    if not isinstance(error, OSError):
        return None
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes | os.PathLike) else ""
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    if error.errno in FULL:
        remedy = f"free space on this disk, or set FUSION_SCRATCH to a folder on another one; {KEPT}"
    elif error.errno in FORBIDDEN:
        remedy = "give this user the right to read and write it"
    elif error.errno in TOO_MANY_FILES:
        remedy = f"raise the limit of open files (ulimit -n); {KEPT}"
    elif isinstance(error, FileNotFoundError):
        remedy = "run the stage that writes it, or correct the path"
    else:
        remedy = f"check the disk and the network; {KEPT}"
    return f"{place}{reason}; {remedy}"
