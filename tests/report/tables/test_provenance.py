"""tables.provenance: the hash of the code covers every source with its path, and nothing else."""

import platform
import shutil

import pandas as pd

from pipeline.contracts.reports.report import PARAMETERS
from pipeline.foundation.tables import check_table
from pipeline.report.tables import provenance
from pipeline.report.tables.feature_classes import feature_count_table
from pipeline.report.tables.provenance import parameter_table


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


def test_the_type_of_cpu_is_named(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Example CPU @ 2.0 GHz\nmodel name\t: Example CPU @ 2.0 GHz\n")

    assert provenance.cpu_type(info) == "Example CPU @ 2.0 GHz"
    assert provenance.cpu_type(tmp_path / "absent") == (platform.processor() or platform.machine())


def test_levels_lists_and_nothing():
    content = {
        "seed": 7,
        "lasso": {"rule": "min", "ratio": 1e-3, "on": True},
        "nets": ["a", "b"],
        "none": None,
        "sets": [{"x": 1}, {"x": 2}],
        "blocks": {},
    }
    table = parameter_table({"common": content})
    check_table(table, PARAMETERS, place="parameters")
    values = dict(zip(table["key"], table["value"], strict=True))

    assert values == {
        "seed": "7",
        "lasso.rule": "min",
        "lasso.ratio": "0.001",
        "lasso.on": "true",
        "nets": "a, b",
        "none": "",
        "sets.1.x": "1",
        "sets.2.x": "2",
        "blocks": "",
    }


def test_a_number_keeps_its_digits():
    assert list(parameter_table({"a": {"b": 0.123456789, "c": 12.0}})["value"]) == ["0.123456789", "12"]


def test_features_by_class():
    dictionary = pd.DataFrame(
        {"block": ["radiomics"] * 3 + ["clinical"], "class": ["glcm", "glcm", "shape2D", None], "feature": list("abcd")}
    )
    counts = feature_count_table(dictionary).set_index(["block", "feature_class"])["n"]

    assert counts.to_dict() == {
        ("clinical", "all"): 1,
        ("radiomics", "all"): 3,
        ("radiomics", "glcm"): 2,
        ("radiomics", "shape2D"): 1,
    }
