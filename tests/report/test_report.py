"""report: every number of the page comes from its table, the page states what it must, and every run is the same."""

import base64
import dataclasses
import hashlib
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from contribution_tables import one_block, write_contributions
from places import ROOT
from region_study import add_regions
from study_folder import write_cards, write_results, write_study

from pipeline.contracts.data.cohort import AUDIT, COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.reports.compare import METRICS
from pipeline.contracts.reports.report import TABLES
from pipeline.foundation.errors import TableError
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.report.inputs import RESULTS, read_inputs
from pipeline.report.page.regions import SOURCE_WORDS
from pipeline.report.params import ReportParams
from pipeline.report.report import make_report, other_words, write_report

PARAMS = load_params(ROOT / "params" / "report.yaml", ReportParams)
# Digits that are not results: levels of confidence, hash names; ids and codes are in elements that are skipped.
FIXED = {"95\N{NO-BREAK SPACE}%", "F1", "HD95", "SHA-256"}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def report(paths):
    made = make_report(read_inputs(paths), params=PARAMS)
    write_report(made, tables=paths["report_tables"], page=paths["report"])
    return made


@pytest.fixture(scope="module")
def with_regions(paths, tmp_path_factory):
    """The report and the tables of the same study with predicted masks, parity metrics and habitats."""
    folder = tmp_path_factory.mktemp("regions")
    sets = {"predicted_set": "densenet121", "habitat_set": "combined"}
    own = add_regions(paths, folder, **sets, n_images=14, halves=True, parity=True, second="<b>trfe")
    rois = read_table(own["rois"], ROIS)
    rois.loc[:1, "mask_source"] = "predicted"
    write_table(rois, own["rois"], ROIS)
    made = make_report(read_inputs(own), params=PARAMS)
    write_report(made, tables=own["tables"] / "report", page=folder / "report.html")
    return made, own["tables"]


class Page(HTMLParser):
    """Collects the cited numbers, the text outside them, and every address that the page would fetch."""

    def __init__(self, text):
        super().__init__()
        self.cited, self.rest, self.fetched, self.ids, self.links, self.open = [], [], [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        self.fetched += [given[name] for name in ("src", "srcset", "data", "poster") if name in given]
        if tag in ("meta", "link", "path", "rect", "circle", "line", "polyline"):
            return
        hidden = tag in ("svg", "style", "code", "script") or "name" in (given.get("class") or "").split()
        self.open.append((tag, given if tag == "data" else None, hidden))
        if tag == "data":
            self.cited.append([given["value"], given["data-source"], ""])

    def handle_endtag(self, tag):
        if tag in [one for one, *_ in self.open]:
            while self.open.pop()[0] != tag:
                pass

    def handle_data(self, data):
        if any(hidden for *_, hidden in self.open):
            return
        if any(tag == "data" for tag, *_ in self.open):
            self.cited[-1][2] += data
        else:
            self.rest.append(data)


def cell(source, tables):
    """The text of a cell, from `table.csv#key:column`."""
    name, _, place = source.partition("#")
    key, _, column = place.rpartition(":")
    stem = Path(name).stem
    contract = TABLES[stem] if name.startswith("report/") else RESULTS[stem]
    rows = texts(tables / name, contract.key)
    return rows[tuple(unquote(part) for part in key.split("/"))][column]


@cache
def texts(path, key):
    """The rows of a table as text, by their key."""
    rows = pd.read_csv(path, dtype="str", keep_default_na=False).to_dict("records")
    found = {tuple(row[column] for column in key): row for row in rows}
    assert len(found) == len(rows)
    return found


def agrees(shown, value):
    """Whether the shown text is the value, exact or rounded."""
    if shown == value or (len(shown) == 12 and value.startswith(shown)):
        return True
    text = shown.replace("−", "-").replace("+", "").replace(",", "")
    if text in ("<0.001", ">0.999"):
        return float(value) < 0.001 if text[0] == "<" else float(value) > 0.999
    number = text.removesuffix("\N{NO-BREAK SPACE}%")
    unit = 10.0 ** -len(number.partition(".")[2]) / 2 + 1e-9
    return min(abs(float(number) - float(value)), abs(float(number) - 100 * float(value))) <= unit


def check_cited(page, tables):
    """Every cited number is the cell that it names, exact or rounded."""
    known = {}
    for value, source, shown in page.cited:
        if source not in known:
            known[source] = cell(source, tables)
        assert value == known[source], source
        assert agrees(shown, value), (source, value, shown)


def uncited(page):
    """The words with a digit that are neither cited nor fixed."""
    text = " ".join(page.rest)
    for fixed in FIXED:
        text = text.replace(fixed, "")
    return re.findall(r"\S*\d\S*", text)


def test_every_cited_number_is_in_its_table(report, paths):
    page = Page(report.page)

    assert len(page.cited) > 500
    check_cited(page, paths["tables"])


def test_numbers_on_masks_and_habitats_are_in_their_tables(with_regions):
    made, tables = with_regions
    page = Page(made.page)

    assert {"segmentation", "habitats"} <= page.ids
    check_cited(page, tables)
    assert uncited(page) == []
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)


def test_a_wrong_number_would_be_found():
    assert agrees("0.871", "0.8712")
    assert agrees("87.1\N{NO-BREAK SPACE}%", "0.8712")
    assert agrees("−0.120", "-0.1204")
    assert not agrees("0.871", "0.8702")
    assert not agrees("31", "32.0")
    assert not agrees("<0.001", "0.01")


def test_no_number_is_outside_the_tables(report):
    assert uncited(Page(report.page)) == []


def test_published_faults_and_predicted_masks_are_marked(with_regions):
    made, _ = with_regions

    assert "▲ Published faults are on" in made.page
    assert made.page.count("▲ parity") == 2  # both networks, on internal patients
    assert "<b>trfe" not in made.page
    assert "&lt;b&gt;trfe" in made.page
    assert SOURCE_WORDS["predicted"] in made.page.partition('<section id="patients"')[2].partition("</section>")[0]


def section(report, name):
    return re.search(rf'<section id="{name}".*?</section>', report.page, flags=re.DOTALL).group()


def test_the_page_says_who_predicted_whose_mask(with_regions):
    text = re.sub(r"<[^>]*>", "", section(with_regions[0], "segmentation"))

    assert "the mask of a training patient comes from the network of the other half of the training patients" in text
    assert "the mask of a held-out patient comes from the network of all training patients" in text
    for name in ("Dice, mean", "Dice from mean IoU", "Dice, pooled"):
        assert name in text


def test_each_picture_and_figure_of_regions_has_a_text(with_regions):
    masks, habitats = section(with_regions[0], "segmentation"), section(with_regions[0], "habitats")

    assert len(re.findall(r'<img alt="Lesion of image #\d+ with the contours', masks)) == 9
    assert len(re.findall(r'<img alt="Lesion of patient #3 with its contour, and its habitats"', habitats)) == 1
    assert (masks + habitats).count('role="img"') == 4


def test_habitats_are_named_and_their_number_is_explained(with_regions):
    text = re.sub(r"<[^>]*>", "", section(with_regions[0], "habitats"))

    for words in ("highest silhouette", "darkest, most homogeneous", "This section shows part a", "Habitats of part b"):
        assert words in text


def test_a_study_with_given_masks_alone_has_one_line_on_them(report):
    assert report.page.count(SOURCE_WORDS["file"]) == 1
    for words in ("segmentation", "habitats"):
        assert f'id="{words}"' not in report.page
        assert f'"#{words}"' not in report.page
    assert "HD95" not in report.page


def test_page_needs_no_network_and_runs_only_its_own_script(report, paths):
    page = Page(report.page)

    embedded = ("data:image/png;base64,", "data:image/svg+xml;base64,")
    assert [address for address in page.fetched if not address.startswith(embedded)] == []
    script = re.search(r"<script>(.*?)</script>", report.page, flags=re.DOTALL).group(1)
    assert report.page.count("<script") == 1
    # The policy contains the hash of this text, so that the browser runs nothing else and fetches nothing.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;" in report.page
    assert digest in report.page
    assert "url(" not in report.page
    assert "@import" not in report.page
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert str(paths["report"].parents[1]) not in report.page


def test_figures_have_descriptions(report):
    figures = re.findall(r'<svg class="roc".*?</svg>', report.page, flags=re.DOTALL)

    assert len(figures) == 3  # two test cohorts and cross-validation
    for figure in figures:
        assert 'role="img"' in figure
        assert "Curves: combined with" in figure
        assert len(set(re.findall(r'stroke-dasharray="([^"]*)"', figure))) == figure.count("<polyline")


def test_same_inputs_same_bytes(report, paths, tmp_path):
    again = make_report(read_inputs(paths), params=PARAMS)
    assert again.page == report.page

    moved = tmp_path / "elsewhere"
    shutil.copytree(paths["report"].parents[1], moved)
    there = {name: moved / path.relative_to(paths["report"].parents[1]) for name, path in paths.items()}
    assert make_report(read_inputs(there), params=PARAMS).page == report.page


def test_selection_counts_the_fits_that_kept_nothing(report):
    table = report.tables["selection"].set_index(["feature_set", "block", "feature"])
    shape = table.loc[("combined", "radiomics", "original_shape2D_Sphericity@long")]

    # Six folds of cross-validation in two parts, of which one fit kept nothing; two fits of resample `final`.
    assert (shape["n_selected"], shape["n_fits"], shape["n_final"]) == (11, 12, 2)
    assert shape["coefficient"] == 0.5
    assert "how round the lesion is; view long" in report.page
    assert "(intercept)" not in report.page
    kept = report.tables["kept"].set_index(["feature_set", "block"]).loc[("combined", "radiomics")]
    assert (kept["n_fits"], kept["n_empty"], kept["min"], kept["max"]) == (14, 1, 0, 2)


def test_no_id_of_a_case_is_on_the_page(report, paths):
    visible = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", report.page, flags=re.DOTALL)
    ids = read_table(paths["cohort"], COHORT)["image_id"]

    assert [case for case in [*ids, "0003_extra", "0900"] if re.search(rf"(?<![\d.]){case}(?!\d)", visible)] == []
    assert "image #9" in visible  # 0005_long
    assert "excluded case #" in visible


def test_every_warning_and_every_excluded_case_is_listed(report):
    assert len(report.tables["warnings"]) == 3
    assert set(report.tables["excluded"]["rule"]) == {"unlabelled", "excluded"}
    assert "calliper marks over the nodule" in report.page
    assert list(report.tables["failed"]["status"]) == ["no_roi", "extraction_failed"]
    assert "was it &lt;recorded&gt;?" in report.page
    assert list(report.tables["warnings"]["row"]) == [3, 5, 6]  # sorted: cohort, column, image


def test_synthetic_is_stated_in_every_section_and_on_every_printed_page(paths):
    study = read_inputs(paths)
    real = PARAMS.model_copy(update={"synthetic": False})
    demo = make_report(study, params=real).page
    assert demo.count("<section") == demo.count('<span class="tag synthetic">') > 5
    assert "@top-center" in demo

    study.params["cohort"]["root"] = "data/raw/mine"
    page = make_report(study, params=real).page
    assert "do not exist" not in page
    assert 'tag synthetic"' not in page


def test_empty_entries_are_for_the_author(paths):
    words = PARAMS.study.model_copy(update={"outcome": "", "horizon": "24 months after <surgery>"})
    page = make_report(read_inputs(paths), params=PARAMS.model_copy(update={"study": words})).page

    assert page.count('<dd><span class="author">for the author</span></dd>') == 1
    assert "24 months after &lt;surgery&gt;" in page


@pytest.mark.parametrize(
    ("card", "light", "flag"),
    [
        ({"strategy": "crossfit", "trained_on": None}, "green", ""),
        ({"strategy": "insample", "trained_on": None}, "red", "■ in-sample network"),
        ({"strategy": "frozen", "trained_on": "unknown"}, "amber", "▲ weights of unknown origin"),
        ({"strategy": "frozen", "trained_on": "other_patients"}, "green", ""),
        ({"strategy": "crossfit", "trained_on": "unknown"}, "amber", "▲ weights of unknown origin"),
    ],
)
def test_lights_of_networks(paths, tmp_path, card, light, flag):
    write_cards(tmp_path, **card)
    made = make_report(read_inputs(paths | {"networks": tmp_path}), params=PARAMS)

    assert list(made.tables["networks"]["light"]) == [light]
    for words in ("■ in-sample network", "▲ weights of unknown origin"):
        # The primary set, the two sets and the head with this network are flagged in every table of results.
        assert (made.page.count(words) > 15) == (words == flag)


def test_a_network_without_cards_is_not_called_green(paths, tmp_path):
    made = make_report(read_inputs(paths | {"networks": tmp_path}), params=PARAMS)

    assert list(made.tables["networks"]["light"]) == ["unknown"]
    assert "▲ network not documented" in made.page


def test_without_a_primary_comparison_all_is_exploratory(paths, tmp_path):
    tables = tmp_path / "tables"
    predictions = pd.concat(read_inputs(paths).predictions.values(), ignore_index=True)
    write_results(predictions[predictions["evaluation"] != "external"], tables, primary=None)
    page = make_report(read_inputs(paths | {"tables": tables}), params=PARAMS).page

    assert "every result on this page is exploratory" in page
    assert "There is no external evaluation." in page


def test_cross_validation_alone_makes_a_report(paths, tmp_path):
    tables = tmp_path / "tables"
    predictions = pd.concat(read_inputs(paths).predictions.values(), ignore_index=True)
    write_results(predictions[predictions["evaluation"] == "cv"], tables, primary=None)
    page = make_report(read_inputs(paths | {"tables": tables}), params=PARAMS).page

    assert page.count('<svg class="roc"') == 1
    assert "(pooled, approximate)" in page


def test_a_set_of_one_block_has_figures_of_its_classes_and_none_of_its_block(paths, tmp_path):
    tables = tmp_path / "tables"
    shutil.copytree(paths["tables"], tables)
    write_contributions(tables, sets=one_block())
    page = make_report(read_inputs(paths | {"tables": tables}), params=PARAMS).page

    own = page[page.index('Set <span class="name">radiomics</span>, classifier') :]
    own = own[: own.index("</section>")]
    assert "By radiomics class: contributions" in own
    assert "By block:" not in own
    assert "By block: permutation" in page


def test_a_source_without_patient_ids_is_stated(paths, tmp_path):
    audit = read_table(paths["audit"], AUDIT)
    row = {"scope": "cohort", "id": "images", "check": "no_patient_ids", "severity": "warning", "message": "no ids"}
    write_table(pd.concat([audit, pd.DataFrame([row])]), tmp_path / "audit.csv", AUDIT)
    page = make_report(read_inputs(paths | {"audit": tmp_path / "audit.csv"}), params=PARAMS).page

    assert "each image is analysed as a patient of its own" in page


def test_the_origin_of_the_test_patients_is_stated(paths, tmp_path):
    patients = read_table(paths["patients"], PATIENTS)
    given = patients.assign(cohort="train")
    pages = {}
    for name, table in {"drawn": patients.assign(cohort=None), "given": given}.items():
        write_table(table.astype({"cohort": "str"}), tmp_path / f"{name}.csv", PATIENTS)
        pages[name] = make_report(read_inputs(paths | {"patients": tmp_path / f"{name}.csv"}), params=PARAMS).page

    assert "The source defines which patients are training patients" in pages["given"]
    assert "they were drawn from it at random" in pages["drawn"]


@pytest.mark.parametrize("synthetic", [True, False])
@pytest.mark.parametrize(
    ("root", "printed"), [("/data/busi", False), ("data/raw/demo", True), ("./data/raw/demo", True)]
)
def test_words_about_another_study_are_left_out_with_a_warning(paths, root, synthetic, printed):
    study = read_inputs(paths)
    study = dataclasses.replace(study, params={**study.params, "cohort": {"root": root}})
    params = PARAMS.model_copy(update={"title": "A title of the demo", "synthetic": synthetic})

    page = make_report(study, params=params).page

    for words in ("A title of the demo", params.study.population, params.study.outcome, "SYNTHETIC DATA"):
        assert (words in page) == printed
    said = other_words(study, params=params)
    assert (said is None) == printed
    assert printed or "set describes: /data/busi" in said


def test_words_about_this_study_are_printed(paths):
    study = read_inputs(paths)
    study = dataclasses.replace(study, params={**study.params, "cohort": {"root": "/data/busi"}})
    mine = {"describes": "/data/busi", "synthetic": False, "title": "Breast lesions"}

    page = make_report(study, params=PARAMS.model_copy(update=mine)).page

    assert "Breast lesions" in page
    assert PARAMS.study.outcome in page
    assert "SYNTHETIC DATA" not in page


def test_a_block_is_listed_once_for_all_sets_that_share_it(report):
    assert report.page.count('aria-label="Features of block radiomics"') == 1
    assert re.search(r'sets <span class="name">radiomics</span>, <span class="name">combined</span>', report.page)


def test_undefined_numbers_are_a_dash(paths, tmp_path):
    tables = tmp_path / "tables"
    shutil.copytree(paths["tables"], tables)
    metrics = read_table(tables / "metrics.csv", METRICS)
    metrics.loc[metrics["metric"] == "ppv", ["estimate", "ci_low", "ci_high"]] = None
    write_table(metrics, tables / "metrics.csv", METRICS)

    page = make_report(read_inputs(paths | {"tables": tables}), params=PARAMS).page
    assert page.count('title="not defined">–') > 20


def command(paths, params):
    flags = [word for name, path in paths.items() for word in (f"--{name.replace('_', '-')}", str(path))]
    return subprocess.run(
        [sys.executable, "-m", "stages.report", "--params", str(params), *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_stage_writes_the_page_and_its_tables(paths, report, tmp_path):
    own = paths | {"report_tables": tmp_path / "tables" / "report", "report": tmp_path / "report.html"}
    done = command(own, ROOT / "params" / "report.yaml")

    assert done.returncode == 0, done.stderr
    assert own["report"].read_text(encoding="utf-8") == report.page
    assert {file.stem for file in own["report_tables"].iterdir()} == set(TABLES)


def test_a_report_that_cannot_be_written_leaves_the_previous_one(report, tmp_path):
    tables, page = tmp_path / "tables" / "report", tmp_path / "report.html"
    write_report(report, tables=tables, page=page)
    (tables / "stale.csv").write_text("of an older version\n", encoding="utf-8")
    before = {file.name: file.read_bytes() for file in [*tables.iterdir(), page]}
    broken = dataclasses.replace(report, page="new", tables={**report.tables, "warnings": pd.DataFrame()})
    with pytest.raises(TableError):
        write_report(broken, tables=tables, page=page)

    assert {file.name: file.read_bytes() for file in [*tables.iterdir(), page]} == before
    assert sorted(path.name for path in tmp_path.rglob("*") if "partial" in path.name) == []


def test_no_stale_table_stays_and_no_picture_is_written(report, tmp_path):
    tables = tmp_path / "tables" / "report"
    tables.mkdir(parents=True)
    (tables / "stale.csv").write_text("of an older version\n", encoding="utf-8")
    write_report(report, tables=tables, page=tmp_path / "report.html")

    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"report.html", *(f"tables/report/{name}.csv" for name in TABLES)}


def test_wrong_params_are_one_sentence(paths, tmp_path):
    params = tmp_path / "report.yaml"
    params.write_text(
        (ROOT / "params" / "report.yaml").read_text(encoding="utf-8").replace("top_features: 15", "top_features: 0"),
        encoding="utf-8",
    )
    done = command(paths, params)

    assert done.returncode == 1
    assert "key 'top_features' has the value 0" in done.stderr
    assert "Traceback" not in done.stderr
