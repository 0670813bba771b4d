"""study: look at the folder of a study, show which params follow from it, and write them on --write."""

import logging
from collections.abc import Iterable
from pathlib import Path

from pipeline.cohort.cohort import CohortParams
from pipeline.foundation.errors import ParamsError, PipelineError, listed
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.study_folders import is_demo
from pipeline.plan.comparison import CompareParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.study.describe import description, diff, reasons, remarks
from pipeline.study.installation import installation
from pipeline.study.look import look, study_folder
from pipeline.study.params_text import Change, edited
from pipeline.study.propose import FILES, proposals
from pipeline.study.resources import resources
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Say what is installed and what the folder holds, show the changes as a diff, write them if asked to."""
    parser = arguments(__doc__, paths=("root", "params"))
    parser.add_argument("--write", action="store_true", help="write the changes (without it, nothing is written)")
    parser.add_argument("--positive", metavar="LABEL", help="the label of the event, if labels are not 0 and 1")
    given = parser.parse_args()
    found = installation()
    _say(found.facts)
    project = Path.cwd()
    root = study_folder(given.root, project=project)
    cohort = load_params(given.params / "cohort.yaml", CohortParams)
    if given.positive:
        cohort = cohort.model_copy(update={"label_positive": given.positive})
    load_params(given.params / "fusion.yaml", FusionParams)
    load_params(given.params / "compare.yaml", CompareParams)
    contents = {name: read_yaml(given.params / f"{name}.yaml") for name in FILES}

    known = (project / Path(cohort.root).expanduser()).resolve() == root.resolve()
    study = look(root, params=cohort, same_root=known)
    needed = resources(study, project=project)
    _say([f"study {root}", *description(study), needed.sentence])
    short = root.relative_to(project).as_posix() if root.is_relative_to(project) else str(root)
    _say(remarks(study, contents=contents, is_demo=is_demo(short)))
    changes = proposals(study, contents=contents, root=cohort.root if known else short)
    _apply(changes, folder=given.params, write=given.write)
    faults = [*found.faults, *needed.faults, *study.faults]
    if faults:
        raise PipelineError(listed(faults, heading=f"{_counted(len(faults), 'fault')} to correct before make repro"))


def _apply(changes: list[Change], *, folder: Path, write: bool) -> None:
    """Show the changes as a diff per file; write all files, or none if one cannot be changed."""
    if not changes:
        log.info("the params fit this study: nothing to change")
        return
    texts = {}
    for file in dict.fromkeys(change.file for change in changes):
        before = (folder / file).read_bytes().decode("utf-8")
        texts[file] = edited(before, [change for change in changes if change.file == file])
        log.info("proposed change:\n%s", diff(file, before, texts[file]))
    _say(reasons(changes))
    if not write:
        log.info("nothing is written; make study with WRITE=1, or --write, writes these changes")
        return
    try:
        for file, text in texts.items():
            partial = folder / f".{file}.partial"
            partial.write_bytes(text.encode("utf-8"))
            partial.replace(folder / file)
    except OSError as error:
        raise ParamsError(f"{folder}: cannot be written ({error.strerror}); change its permissions") from error
    log.info("written: %s; next: make repro", ", ".join(f"{folder}/{file}" for file in texts))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        log.info("%s", line)


if __name__ == "__main__":
    run(main)
