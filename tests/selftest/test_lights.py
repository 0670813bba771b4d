"""The table of lights, and which lights stop the run."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from places import ROOT
from sham_study import recipe, tables

from pipeline.contracts.reports.selftest import SELFTEST, SHAM, SIZE_ALONE
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table, read_table
from pipeline.selftest.inputs import PATHS
from pipeline.selftest.lights import Check, check_lights, selftest_table
from stages import selftest as stage


def check(name, light):
    return Check(check=name, light=light, title=f"Title {name}", rule="Rule.", finding="Finding.", value=1.0)


def test_table_meets_its_contract():
    table = selftest_table([check("b", "green"), check("a", "grey")])

    check_table(table, SELFTEST, place="selftest")
    assert table["limit"].isna().all()


def test_red_stops_the_run_and_every_red_light_is_named():
    checks = [check("sham_labels", "red"), check("size_alone", "amber"), check("garbage_rows", "red")]

    with pytest.raises(PipelineError, match=r"^2 self-tests are red.*T/selftest\.csv") as error:
        check_lights(checks, allow_insample=True, place="T/selftest.csv")
    assert str(error.value).endswith("Title sham_labels: Finding; Title garbage_rows: Finding.")


def test_amber_and_grey_do_not_stop_the_run():
    check_lights([check("a", "green"), check("b", "amber"), check("c", "grey")], allow_insample=False, place="t")


def test_insample_networks_stop_the_run_unless_they_are_allowed():
    insample = check("networks_insample", "red")

    check_lights([insample], allow_insample=True, place="t")
    with pytest.raises(PipelineError, match="1 self-test is red"):
        check_lights([insample], allow_insample=False, place="t")
    with pytest.raises(PipelineError, match="Title networks_apart"):  # a leak of another kind is no published practice
        check_lights([insample, check("networks_apart", "red")], allow_insample=True, place="t")


@pytest.mark.parametrize("light", ["red", "amber"])
def test_the_tables_are_written_before_a_red_light_stops_the_run(tmp_path, monkeypatch, light):
    study = tables()
    labels = study.patients.set_index("patient_id")["label"]
    given = SimpleNamespace(tables=study, recipe=recipe(), training=labels, key=lambda _params: "k")
    sizes = SIZE_ALONE.empty()
    doubles = {
        "read_inputs": lambda _given, **_: given,
        "shuffled_auc": lambda _shuffle, **_: (0.5, 3),
        "shift_work": lambda _inputs, **_: ([], (), None),
        "control_check": lambda _rows, **_: check("shifted_roi", "grey"),
        "size_results": lambda _inputs, **_: ([check("size_alone", "green")], sizes),
        "identity_checks": lambda _inputs, **_: [check("patients_apart", light)],
    }
    for name, double in doubles.items():
        monkeypatch.setattr(stage, name, double)
    flags = {name: str(tmp_path) for name in (*PATHS, "tables")} | {"params": str(ROOT / "params" / "selftest.yaml")}
    monkeypatch.setattr(
        "sys.argv", ["selftest", *(part for name, path in flags.items() for part in (f"--{name}", path))]
    )
    monkeypatch.setenv("FUSION_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("FUSION_WORKERS", "1")
    stops = pytest.raises(PipelineError, match=r"1 self-test is red.*Title patients_apart: Finding")

    with stops if light == "red" else nullcontext():
        stage.main()

    lights = read_table(tmp_path / "selftest.csv", SELFTEST).set_index("check")["light"]
    assert lights["patients_apart"] == light
    assert lights["garbage_rows"] == "green"
    assert len(read_table(tmp_path / "sham.csv", SHAM)) == 40
    assert (tmp_path / "size_alone.csv").exists()
    assert not (tmp_path / "scratch" / "selftest").exists()
