import subprocess

import pytest
from places import ROOT

from pipeline.foundation.study_folders import DEMO_REPORTS, DEMO_ROOT, OWN_REPORTS, check_reports, is_demo


@pytest.mark.parametrize("root", ["data/raw/demo", "data/raw/demo/", "./data/raw/demo"])
def test_the_root_of_the_demo_however_it_is_written(root):
    assert is_demo(root)
    check_reports(root, reports=DEMO_REPORTS)


@pytest.mark.parametrize("root", ["/data/raw/demo", "data/raw", "data/raw/demo/more", "data/mine", ".."])
def test_the_report_of_another_study_is_never_written_where_git_tracks_it(root):
    assert not is_demo(root)
    with pytest.raises(ValueError, match=f"must be reports/own if root is not {DEMO_ROOT}"):
        check_reports(root, reports=DEMO_REPORTS)
    check_reports(root, reports=OWN_REPORTS)


def test_git_ignores_the_report_of_a_study_of_ones_own():
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the project is not a git repository")
    files = [f"{OWN_REPORTS}/report.html", f"{OWN_REPORTS}/figures/explain/P1.png", "data/images/P1.nii.gz"]

    said = subprocess.run(["git", "check-ignore", *files], cwd=ROOT, capture_output=True, text=True, check=False)

    assert said.stdout.split() == files
