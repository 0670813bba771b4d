import pytest

from pipeline.foundation.errors import PipelineError
from stages.predict import check_out


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "predictions.csv").write_text("")
    check_out(tmp_path)
    check_out(tmp_path / "new")
    (tmp_path / "mine.txt").write_text("")

    with pytest.raises(PipelineError, match=r"holds mine\.txt, which would be lost"):
        check_out(tmp_path)
    with pytest.raises(PipelineError, match="is a file"):
        check_out(tmp_path / "mine.txt")
