"""Every change of the params that follows from a study; a value that fits it is never changed."""

from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import Any

from pipeline.contracts.data.embed import LOGIT
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.study_folders import DEMO_REPORTS, OWN_REPORTS, is_demo
from pipeline.radiomics.presets import preset
from pipeline.study.layout import MANIFEST
from pipeline.study.look import Study
from pipeline.study.params_text import REMOVED, Change
from pipeline.study.plan_changes import fitting_primary, fitting_sets, usable_evaluations

FILES = ("cohort", "radiomics", "embed", "fusion", "compare", "agreement", "reduce", "selftest", "report", "split")
SITE = "site"
Contents = Mapping[str, Mapping[str, Any]]


def proposals(study: Study, *, contents: Contents, root: str) -> list[Change]:
    """The changes of params that `study` needs, in the order of FILES.

    `contents` is the content of each params file of FILES, `root` the folder as the params are to write it. Raises
    ParamsError if a file lacks a key, or if no set would be left.
    """
    try:
        found = [
            *_cohort(study, contents["cohort"], root),
            *_radiomics(study, contents["radiomics"]),
            *_plan(study, contents),
            *_masks(study, contents),
            *_words(contents["report"], root),
            *_subgroups(study, contents["report"]),
        ]
    except (KeyError, TypeError) as error:
        raise ParamsError(f"a params file lacks the key {error}; add it as in the params of the demo") from error
    return sorted(found, key=lambda change: FILES.index(change.file.removesuffix(".yaml")))


def _change(file: str, key: str, value: Any, reason: str) -> Change:
    return Change(file=f"{file}.yaml", key=tuple(key.split(".")), value=value, reason=reason)


def _cohort(study: Study, now: Mapping[str, Any], root: str) -> Iterator[Change]:
    wanted = study.params
    if now["source"] != wanted.source:
        yield _change("cohort", "source", wanted.source, f"the folder is of the source {wanted.source}")
    if now["root"] != root:
        yield _change("cohort", "root", root, "the study lies there")
    if now["reports"] == DEMO_REPORTS and not is_demo(root):
        yield _change("cohort", "reports", OWN_REPORTS, "git ignores it")
    given = now.get("label_positive")
    if (None if given is None else str(given)) != wanted.label_positive:  # the params may give it as a number
        yield _change("cohort", "label_positive", wanted.label_positive, _why_positive(wanted.label_positive))
    for case in study.stale:
        reason = "it names nothing in this study"
        yield Change(file="cohort.yaml", key=("exclude", case), value=REMOVED, reason=reason)
    if wanted.source == MANIFEST and wanted.manifest:
        reasons = {
            "table": "it is the table of images",
            "clinical": "it is the clinical table" if wanted.manifest.clinical else "there is no clinical table",
            "roi": "no image has a mask, so the whole image is the lesion",
        }
        given = now["manifest"]
        defaults = type(wanted.manifest)()
        for key, reason in reasons.items():
            value = getattr(wanted.manifest, key)
            if given.get(key, getattr(defaults, key)) != value:
                yield _change("cohort", f"manifest.{key}", value, reason)


def _why_positive(value: str | None) -> str:
    return "it is the label of the event" if value else "the labels of this source are 0 and 1"


def _radiomics(study: Study, now: Mapping[str, Any]) -> Iterator[Change]:
    """A preset for the form of the images; own settings are the user's."""
    if now["preset"] is None:
        return
    volumes = study.form == "3-D"
    if (preset(now["preset"]).grid == "3-D") != volumes:
        yield _change("radiomics", "preset", "ct3d" if volumes else "us2d", f"the images are {study.form}")


def _plan(study: Study, contents: Contents) -> Iterator[Change]:
    """Networks, sets, the primary comparison, and the set of the self-tests."""
    embed, fusion, compare = contents["embed"], contents["fusion"], contents["compare"]
    renamed: dict[str, str] = {}
    for change in _views(study, embed):
        if change.key == ("nets",):
            backbone = embed["dualview"]["backbone"]
            renamed = {"dualview": backbone, f"dualview{LOGIT}": f"{backbone}{LOGIT}"}
        yield change
    sets, successors = fitting_sets(fusion["sets"], clinical=bool(study.clinical), renamed=renamed)
    if not sets:
        raise ParamsError(
            f"params/fusion.yaml: every set ({', '.join(fusion['sets'])}) holds clinical data only, and the study has "
            "none; name a clinical table, or add a set such as radiomics: [radiomics]"
        )
    reason = "there are no clinical data" if not study.clinical else "there are no two views"
    for name, blocks in fusion["sets"].items():
        if name not in sets:
            yield Change(file="fusion.yaml", key=("sets", name), value=REMOVED, reason=reason)
        elif sets[name] != list(blocks):
            yield Change(file="fusion.yaml", key=("sets", name), value=sets[name], reason=reason)
    evaluations = usable_evaluations(study.source.patients, holdout_fraction=contents["split"]["holdout_fraction"])
    primary = fitting_primary(compare["primary"], sets=sets, successors=successors, evaluations=evaluations)
    if primary is None and compare["primary"] is not None:
        yield _change("compare", "primary", None, "no held-out cohort has both classes, or no two sets are left")
    for key, value in (primary or {}).items():
        if compare["primary"][key] != value:
            why = f"held out with both classes: {', '.join(evaluations)}" if key == "evaluation" else "of the sets left"
            yield _change("compare", f"primary.{key}", value, why)
    tested = contents["selftest"]["feature_set"]
    if tested in fusion["sets"] and tested not in sets:
        one = successors.get(tested) or ("radiomics" if "radiomics" in sets else next(iter(sets)))
        yield _change("selftest", "feature_set", one, "of the sets left")


def _views(study: Study, embed: Mapping[str, Any]) -> Iterator[Change]:
    """The two views of the two-view network, or its backbone in its place if the study has one view."""
    if "dualview" not in embed["nets"] or set(embed["dualview"]["views"]) <= set(study.views):
        return
    views = sorted(study.views)
    if len(views) == 2:
        yield _change("embed", "dualview.views", views, "these are the views of the study")
    elif len(views) > 2:
        counted = ", ".join(f"{view} ({study.views[view]} images)" for view in views)
        raise ParamsError(
            f"params/embed.yaml: key 'dualview.views' names {embed['dualview']['views']}, and the study has {counted}; "
            "which two belong together is not guessed: name them there"
        )
    else:
        nets = [embed["dualview"]["backbone"] if net == "dualview" else net for net in embed["nets"]]
        yield _change("embed", "nets", list(dict.fromkeys(nets)), f"the study has one view, {views[0]}")


def _masks(study: Study, contents: Contents) -> Iterator[Change]:
    """No repeated masks where the whole image is the lesion, or no second reader has drawn one."""
    source, whole = contents["agreement"]["source"], set(study.lesions) == {"full"}
    reason = "the whole image is the lesion, so no mask can be repeated"
    if whole and source != "none":
        yield _change("agreement", "source", "none", reason)
    elif source == "second_reader" and not study.second_masks:
        yield _change("agreement", "source", "perturbation", "no image has a second reader's mask")
    if whole and contents["reduce"]["agreement"] is not None:
        yield _change("reduce", "agreement", None, reason)


def _words(report: Mapping[str, Any], root: str) -> Iterator[Change]:
    """What page 1 says is about this study: nothing until its author writes it."""
    if normpath(report["describes"]) == normpath(root):
        return
    yield _change("report", "describes", root, "title, synthetic and study are about another root")
    if report["synthetic"]:
        yield _change("report", "synthetic", False, "true is for patients that do not exist")
    for key, words in report["study"].items():
        if words:
            yield _change("report", f"study.{key}", "", "these words are about another study; write your own")


def _subgroups(study: Study, report: Mapping[str, Any]) -> Iterator[Change]:
    """Without the columns of an earlier study, which would stop the report at the end of the run."""
    named = (report.get("subgroups") or {}).get("columns") or []
    left = [one for one in named if one["column"] in (*study.clinical, SITE)]
    if left != named:
        gone = ", ".join(one["column"] for one in named if one not in left)
        yield _change("report", "subgroups.columns", left or None, f"the study has no column {gone}")
