"""bundle: put the frozen pipeline of one feature set of a finished study into one file, for new patients."""

import logging

from pipeline.predict.bundle_files import write_bundle
from pipeline.predict.finished_study import FinishedStudy
from pipeline.predict.study_bundle import bundle_files
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Read the study, collect and check what the bundle needs, write it."""
    parser = arguments(__doc__, paths=("params", "data", "tables", "out"))
    parser.add_argument("--set", help="feature set; without it, the primary set of params/compare.yaml")
    parser.add_argument("--classifier", help="another classifier than the one chosen by cross-validation")
    parser.add_argument("--allow-rows", action="store_true", help="also a classifier that holds rows of patients")
    given = parser.parse_args()
    study = FinishedStudy(params=given.params, data=given.data, tables=given.tables)
    feature_set = given.set or study.primary_set()
    # A folder stands for a zip file named after the set.
    path = given.out if given.out.suffix else given.out / f"{feature_set}.zip"
    files = bundle_files(
        study, feature_set=feature_set, classifier=given.classifier or None, allow_rows=given.allow_rows
    )
    sha256 = write_bundle(files, path)
    size = sum(len(content) for content in files.values()) / 1e6
    log.info("%s: %d files, %.1f MB unpacked, SHA-256 %s", path, len(files) + 1, size, sha256)


if __name__ == "__main__":
    run(main)
