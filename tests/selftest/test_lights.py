"""The table of lights, and which lights stop the run."""

from types import SimpleNamespace

import pytest
from places import ROOT
from sham_study import recipe, tables

from pipeline.contracts.reports.selftest import CONTROLS, SELFTEST, SHAM, SIZE_ALONE
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


def verdict(*checks, allow_insample=False):
    check_lights(selftest_table(checks), allow_insample=allow_insample, place="T/selftest.csv", report="R.html")


def test_red_stops_the_run_and_every_red_light_is_named():
    checks = [check("sham_labels", "red"), check("size_alone", "amber"), check("garbage_rows", "red")]

    with pytest.raises(PipelineError, match=r"^2 self-tests are red.*R\.html.*T/selftest\.csv") as error:
        verdict(*checks, allow_insample=True)
    assert str(error.value).endswith("Title sham_labels: Finding; Title garbage_rows: Finding.")


def test_amber_and_grey_do_not_stop_the_run():
    verdict(check("a", "green"), check("b", "amber"), check("c", "grey"))


@pytest.mark.parametrize("name", ["networks_insample", "ready_made_blocks"])
def test_insample_on_purpose_stops_the_run_unless_it_is_allowed(name):
    insample = check(name, "red")

    verdict(insample, allow_insample=True)
    with pytest.raises(PipelineError, match="1 self-test is red"):
        verdict(insample)
    with pytest.raises(PipelineError, match="Title networks_apart"):  # a leak of another kind is no published practice
        verdict(insample, check("networks_apart", "red"), allow_insample=True)


@pytest.mark.parametrize("light", ["red", "amber"])
def test_the_stage_writes_every_table_and_leaves_red_to_the_verdict(tmp_path, monkeypatch, light):
    study = tables()
    labels = study.patients.set_index("patient_id")["label"]
    given = SimpleNamespace(tables=study, recipe=recipe(), training=labels, cohort=None, key=lambda _params: "k")
    sizes = SIZE_ALONE.empty()
    doubles = {
        "read_inputs": lambda _given, **_: given,
        "shuffled_auc": lambda _shuffle, **_: (0.5, 3),
        "negative_controls": lambda _inputs, **_: ([check("shifted_roi", "grey")], []),
        "size_results": lambda _inputs, **_: ([check("size_alone", "green")], sizes),
        "data_checks": lambda _inputs, **_: [check("dates_in_order", "green")],
        "masks_check": lambda _given, **_: check("masks_apart", "grey"),
        "habitat_check": lambda _given, **_: check("habitat_clusters", "grey"),
        "identity_checks": lambda _inputs, **_: [check("patients_apart", light)],
    }
    for name, double in doubles.items():
        monkeypatch.setattr(stage, name, double)
    flags = {name: str(tmp_path) for name in (*PATHS, *stage.DATA, *stage.HABITATS, *stage.PREDICTED, "tables")}
    flags |= {"params": str(ROOT / "params" / "selftest.yaml"), "near-duplicates": "join"}
    monkeypatch.setattr(
        "sys.argv", ["selftest", *(part for name, path in flags.items() for part in (f"--{name}", path))]
    )
    monkeypatch.setenv("FUSION_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("FUSION_WORKERS", "1")

    stage.main()

    lights = read_table(tmp_path / "selftest.csv", SELFTEST).set_index("check")["light"]
    assert lights["patients_apart"] == light
    assert lights["garbage_rows"] == "green"
    assert len(read_table(tmp_path / "sham.csv", SHAM)) == 40
    assert (tmp_path / "size_alone.csv").exists()
    assert read_table(tmp_path / "controls.csv", CONTROLS).empty
    assert not (tmp_path / "scratch" / "selftest").exists()
