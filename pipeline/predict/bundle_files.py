"""A bundle on disk: a zip file, or the folder it was unpacked to, of files that are read as data, with their SHA-256.

Nothing in a bundle is executed or unpacked to disk. The hashes find damage; whoever alters a bundle on purpose can
write new ones, hence the hash of the whole is shown whenever a bundle is made or used.
"""

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from pipeline.benchmark.model_files import archive
from pipeline.foundation.errors import PipelineError, listed
from pipeline.foundation.files import whole_file

SUMS = "SHA256SUMS"
MAX_BYTES = 8 * 10**9  # of all files, unpacked
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def write_bundle(files: Mapping[str, bytes], path: Path) -> str:
    """Write `files` (by name, with `/` between folders) and their hashes as a zip file, whole or not at all.

    Returns the hash of the bundle. The same files give the same bytes.
    """
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    sums = "".join(lines).encode()
    with whole_file(path) as stream:
        stream.write(archive(dict(sorted(files.items())) | {SUMS: sums}))
    return hashlib.sha256(sums).hexdigest()


def read_bundle(path: Path) -> tuple[dict[str, bytes], str]:
    """The files of a bundle by name, without the table of hashes, and the hash of the bundle.

    Raises PipelineError if there is no bundle, it is damaged, a file differs from its hash, or one is missing or extra.
    """
    if not path.exists():
        raise PipelineError(f"{path}: there is no such bundle; make one with `make bundle`, or correct the path")
    if path.is_dir() and not (path / SUMS).is_file():
        zips = ", ".join(sorted(file.name for file in path.glob("*.zip")))
        raise PipelineError(f"{path}: is a folder without {SUMS}{f'; name the bundle in it: {zips}' if zips else ''}")
    files = _folder_files(path) if path.is_dir() else _zip_files(path)
    if SUMS not in files:
        raise PipelineError(f"{path}: holds no {SUMS}, so it is no bundle of this pipeline; make it again")
    sums = files.pop(SUMS)
    stated: dict[str, str] = {}
    for line in sums.decode("utf-8", errors="replace").splitlines():
        if (match := _LINE.fullmatch(line)) is None:
            raise PipelineError(f"{path}: {SUMS} is damaged; copy the bundle again")
        stated[match[2]] = match[1]
    faults = [f"{name} is missing" for name in sorted(set(stated) - set(files))]
    faults += [f"{name} is not listed in {SUMS}" for name in sorted(set(files) - set(stated))]
    changed = [n for n in sorted(set(files) & set(stated)) if hashlib.sha256(files[n]).hexdigest() != stated[n]]
    faults += [f"{name} was changed: its SHA-256 is not the stated one" for name in changed]
    if faults:
        raise PipelineError(listed(faults, heading=f"{path}: the bundle is damaged or was altered; copy it again"))
    return files, hashlib.sha256(sums).hexdigest()


def _zip_files(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as source:
            entries = [entry for entry in source.infolist() if not entry.is_dir()]
            if (size := sum(entry.file_size for entry in entries)) > MAX_BYTES:
                raise PipelineError(f"{path}: would unpack to {size} bytes, of at most {MAX_BYTES}; it is no bundle")
            if odd := [entry for entry in entries if entry.compress_type not in KINDS]:
                raise PipelineError(
                    f"{path}: {odd[0].filename} is packed in another way than a bundle is; copy it again"
                )
            return {entry.filename: source.read(entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        struct.error,
        zipfile.LargeZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise PipelineError(f"{path}: not readable as a zip file ({error}); copy the bundle again") from error


def _folder_files(path: Path) -> dict[str, bytes]:
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and file.name != ".DS_Store"]
    if (size := sum(file.stat().st_size for file in files)) > MAX_BYTES:
        raise PipelineError(f"{path}: holds {size} bytes, of at most {MAX_BYTES}; it is no bundle")
    if outside := [file for file in files if not file.resolve().is_relative_to(path.resolve())]:
        raise PipelineError(f"{path}: {outside[0].name} is a link out of the bundle; copy the file itself")
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}
