import pytest
from own_study import demo_params, own_study

from pipeline.study.look import look
from pipeline.study.resources import Resources, free_memory, resources


def needed(folder, **given):
    study = look(own_study(folder, **given), params=demo_params(), same_root=False)
    return study, resources(study, project=folder)


def test_a_2d_study_needs_disk_by_the_number_of_its_images(tmp_path):
    _, found = needed(tmp_path, patients=30, views=("a", "b"))

    assert found.disk_needed == pytest.approx(60 * 0.6e6 * 2)
    assert found.memory_needed == pytest.approx(found.processes * (1e9 + 8 * 600))
    assert found.faults == []


def test_a_3d_study_needs_disk_by_the_size_of_its_files(tmp_path):
    study, found = needed(tmp_path, volumes=True)
    size = sum(path.stat().st_size for path in tmp_path.glob("images/*"))

    assert study.bytes_of_images == pytest.approx(size, rel=0.01)
    assert found.disk_needed == pytest.approx(2 * (48 * 0.6e6 + 1.1 * study.bytes_of_images))


def test_what_does_not_suffice_is_said_with_a_remedy():
    short = Resources(disk_needed=3e9, disk_free=1e9, memory_needed=8e9, memory_free=5e9, processes=8)

    assert short.faults == [
        "1.0 GB of disk are free, and the run needs about 3.0 GB; free some, or move the project to a larger disk",
        "5.0 GB of memory are free, and 8 processes need about 8.0 GB; set FUSION_WORKERS=5",
    ]
    assert "about 3.0 GB of disk with DVC's cache (1.0 GB free)" in short.sentence


def test_memory_of_the_kernel(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:   2000 kB\n")

    assert free_memory(tmp_path / "meminfo") == 2000 * 1024
    assert free_memory(tmp_path / "absent") > 1e8
