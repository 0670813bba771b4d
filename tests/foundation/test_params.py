from typing import Literal

import pytest
from pydantic import Field

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import Params, load_params


class Inner(Params):
    depth: Literal[18, 50] = 18


class Example(Params):
    margin_px: int = Field(ge=0)
    rate: float = 1e-3
    inner: Inner = Inner()


def write(tmp_path, text):
    path = tmp_path / "crop.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_1_2_reads_1e_3_as_a_number_and_no_as_text(tmp_path):
    class Words(Params):
        rate: float
        answer: str

    loaded = load_params(write(tmp_path, "rate: 1e-3\nanswer: no\n"), Words)

    assert (loaded.rate, loaded.answer) == (0.001, "no")


def test_misspelt_key_names_file_key_and_what_is_allowed(tmp_path):
    path = write(tmp_path, "margin_px: 3\nmargn_px: 4\n")

    with pytest.raises(ParamsError) as error:
        load_params(path, Example)

    assert str(error.value) == f"{path}: key 'margn_px' is not known here; allowed keys are inner, margin_px, rate"


def test_misspelt_nested_key_names_the_keys_beside_it(tmp_path):
    with pytest.raises(ParamsError, match=r"key 'inner.dept' is not known here; allowed keys are depth"):
        load_params(write(tmp_path, "margin_px: 3\ninner: {dept: 18}\n"), Example)


def test_a_misspelt_key_of_an_optional_section_names_the_keys_beside_it(tmp_path):
    class Sections(Params):
        busi: Inner | None = None

    with pytest.raises(ParamsError, match=r"key 'busi.dept' is not known here; allowed keys are depth$"):
        load_params(write(tmp_path, "busi: {dept: 18}\n"), Sections)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exclude: {17: no consent}\n", "key 'exclude.17' is read as a number or a date; write it in quotes"),
        ("exclude: {}\n", "key 'exclude' has the value {}: it needs more entries"),
        ("exclude:\n", "key 'exclude' has the value None: it must be a mapping of names to values; {} is none"),
    ],
)
def test_a_wrong_mapping_explains_how_to_write_it(tmp_path, text, message):
    class Cases(Params):
        exclude: dict[str, str] = Field(min_length=1)

    path = write(tmp_path, text)
    with pytest.raises(ParamsError) as error:
        load_params(path, Cases)

    assert str(error.value) == f"{path}: {message}"


def test_a_word_instead_of_a_list_explains_how_to_write_it(tmp_path):
    class Sets(Params):
        sets: dict[str, tuple[str, ...]]

    with pytest.raises(ParamsError, match=r"key 'sets.all' has the value 'radiomics': it must be a list, such as \["):
        load_params(write(tmp_path, "sets: {all: radiomics}\n"), Sets)


def test_negative_margin_names_key_value_and_rule(tmp_path):
    with pytest.raises(ParamsError, match=r"crop.yaml: key 'margin_px' has the value -2: .*greater than or equal to 0"):
        load_params(write(tmp_path, "margin_px: -2\n"), Example)


def test_all_faults_at_once(tmp_path):
    with pytest.raises(ParamsError, match="2 values are not allowed") as error:
        load_params(write(tmp_path, "margin_px: -2\ninner: {depth: 19}\n"), Example)

    assert "inner.depth" in str(error.value)
    assert "margin_px" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "must be a mapping"),
        ("a: [1\n", "not readable as YAML"),
        ("", "must be a mapping of keys to values, found nothing$"),
        (
            "margin_px: 1\nmargin_px: 2\n",
            r"found duplicate key \"margin_px\" .* line 2, column 1: margin_px: 2 .{,20}$",
        ),
        ("rate: 1\n", "'margin_px' is missing"),
    ],
)
def test_bad_file_is_one_sentence(tmp_path, text, message):
    with pytest.raises(ParamsError, match=message):
        load_params(write(tmp_path, text), Example)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match="there is no such params file"):
        load_params(tmp_path / "none.yaml", Example)


def test_params_are_frozen(tmp_path):
    loaded = load_params(write(tmp_path, "margin_px: 3\n"), Example)

    with pytest.raises(ValueError, match="frozen"):
        loaded.margin_px = 4
