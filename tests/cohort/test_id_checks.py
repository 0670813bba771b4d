"""id_checks: one name written in two ways, and missing dates."""

from pathlib import Path

import pandas as pd
import pytest

from pipeline.cohort.id_checks import alike_findings, date_findings
from pipeline.cohort.importers.source import Source, SourceImage
from pipeline.foundation.pseudonyms import Pseudonyms


def source(*ids, views=("main",), sites=("",), rows=None, named=True):
    images = [
        SourceImage(image_id=f"{i}{n}", patient_id=p, image=Path("x"), lesion=None, view=v, site=s)
        for i, p in enumerate(ids)
        for n, (v, s) in enumerate(zip(views, sites * len(views), strict=False))
    ]
    table = pd.DataFrame({"patient_id": ids, "site": rows or [None] * len(ids)})
    return Source(images=images, patients=table, has_patient_ids=named)


def found(given):
    return [(f.check, f.id, f.severity) for f in alike_findings(given)]


def test_distinct_names_have_no_finding():
    assert found(source("P1", "P2", "P10", views=("long", "trans"), sites=("A", "B"), rows=["A", "B", None])) == []


@pytest.mark.parametrize("pair", [("P003", "p003"), ("007", "7"), ("P 1", "P1"), ("Ren\u00e9", "Rene\u0301")])
def test_ids_alike_are_an_error_that_shows_both(pair):
    given = source(*pair, "other")

    assert found(given) == [("ids_alike", sorted(pair)[0], "error")]
    message = alike_findings(given)[0].message
    assert all(f"'{name}'" in message or ascii(name) in message for name in pair)
    assert "differ only by case, spaces, leading zeros or Unicode form; write" in message


def test_file_names_that_stand_for_patients_are_a_warning():
    (only,) = alike_findings(source("7", "007", named=False))

    assert (only.check, only.id, only.severity) == ("ids_alike", "007", "warning")
    masked = Pseudonyms(patients=["7", "007"], images=[]).mask(only.message, scope="patient", case="007")
    assert masked.startswith("its name and that of patient #1 differ only by case")


def test_views_and_sites_alike_are_errors():
    given = source("P1", "P2", views=("trans", "Trans"), sites=("Rome", ""), rows=["ROME", None])

    assert found(given) == [("views_alike", "view", "error"), ("sites_alike", "site", "error")]
    assert "the views 'Trans' and 'trans'" in alike_findings(given)[0].message


@pytest.mark.parametrize(("dates", "count"), [(["2021-01", None, None], 1), (["2021-01"] * 3, 0), ([None] * 3, 0)])
def test_missing_dates_are_counted(dates, count):
    findings = date_findings(pd.DataFrame({"patient_id": ["1", "2", "3"], "date": dates}))

    assert [f.check for f in findings] == ["date_missing"] * count
    assert all("2 of 3 patients have no date" in f.message for f in findings)
    assert date_findings(pd.DataFrame({"patient_id": ["1"]})) == []
