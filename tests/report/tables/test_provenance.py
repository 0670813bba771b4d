"""page.provenance: the hash of the code is of every source by its path, and of nothing else."""

import shutil

from pipeline.report.tables import provenance


def test_code_hash_follows_every_source(tmp_path, monkeypatch):
    module = tmp_path / "pipeline" / "report" / "tables" / "provenance.py"
    module.parent.mkdir(parents=True)
    shutil.copy(provenance.__file__, module)
    (tmp_path / "stages").mkdir()
    monkeypatch.setattr(provenance, "__file__", str(module))
    first = provenance.source_hash()

    (tmp_path / "stages" / "note.txt").write_text("no source")
    assert provenance.source_hash() == first
    (tmp_path / "stages" / "new.py").write_text("x = 1\n")
    second = provenance.source_hash()
    assert second != first
    (tmp_path / "stages" / "new.py").rename(tmp_path / "stages" / "other.py")
    assert provenance.source_hash() not in (first, second)
