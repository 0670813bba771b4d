"""Disk and memory: what a study will need, and what this machine has."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.foundation.parallel import cores
from pipeline.study.look import Study

MB, GB = 1e6, 1e9
# Measured. Demo, 377 images of 2-D ultrasound, two networks, six sets: 222 MB under data/. 44 CT and MR volumes of
# 218 MB as .nii.gz: 233 MB in images, masks and ROIs. One process: 0.49 GB once all packages are loaded, doubled
# for its case; the import of a CT of 512 x 512 x 48 voxels took 6 bytes per voxel more.
IMAGE_BYTES = 0.6 * MB
VOLUME_FACTOR = 1.1
COPIES = 2  # under data/, and in DVC's cache
PROCESS_BYTES = 1.0 * GB
VOXEL_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Bytes needed and free: on disk, and of memory with one process per core. None = this system does not say."""

    disk_needed: float
    disk_free: float
    memory_needed: float
    memory_free: float | None
    processes: int

    @property
    def sentence(self) -> str:
        """What is needed and what is free, in GB."""
        memory = "unknown" if self.memory_free is None else _gb(self.memory_free)
        return (
            f"the run needs about {_gb(self.disk_needed)} of disk with DVC's cache ({_gb(self.disk_free)} free), and "
            f"{_gb(self.memory_needed)} of memory with {self.processes} processes ({memory} free)"
        )

    @property
    def faults(self) -> list[str]:
        """A sentence for what does not suffice."""
        found = []
        if self.disk_needed > self.disk_free:
            short = f"{_gb(self.disk_free)} of disk are free, and the run needs about {_gb(self.disk_needed)}"
            found.append(f"{short}; free some, or move the project to a larger disk")
        if self.memory_free is not None and self.memory_needed > self.memory_free:
            fitting = max(1, int(self.processes * self.memory_free // self.memory_needed))
            short = f"{_gb(self.memory_free)} of memory are free, and {self.processes} processes need about "
            found.append(f"{short}{_gb(self.memory_needed)}; set FUSION_WORKERS={fitting}")
        return found


def resources(study: Study, *, project: Path) -> Resources:
    """What the run of `study` needs and what the machine has; `project` is the folder of dvc.yaml."""
    images = len(study.source.images)
    volumes = VOLUME_FACTOR * study.bytes_of_images if study.form == "3-D" else 0.0
    largest = max((header.voxels for header in study.headers), default=0)
    return Resources(
        disk_needed=COPIES * (IMAGE_BYTES * images + volumes),
        disk_free=shutil.disk_usage(project).free,
        memory_needed=cores() * (PROCESS_BYTES + VOXEL_BYTES * largest),
        memory_free=free_memory(Path("/proc/meminfo")),
        processes=cores(),
    )


def free_memory(meminfo: Path) -> float | None:
    """Bytes of memory that new processes can use, by the kernel's table at `meminfo`, else the memory in all."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        return float(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        names = getattr(os, "sysconf_names", {})
        known = {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(names)
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if known else None


def _gb(number: float) -> str:
    return f"{number / GB:.1f} GB"
