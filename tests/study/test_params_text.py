import pytest

from pipeline.foundation.errors import ParamsError
from pipeline.study.params_text import REMOVED, Change, edited

TEXT = """\
# head
root: a/b    # where it lies
                # and more about it
sets:        # of blocks
  one: [x]
  # about two
  two: [x, y]  # both
  three: [z]

last: null   # of all
inner: {"017": why, b: 2}
words:
  long: >-
    two
    lines
  empty: "" # none
"""


def change(key, value):
    return Change(file="f.yaml", key=tuple(key.split("/")), value=value, reason="so it is")


CASES = {
    "a scalar, its comment in its column": ("root", "c", {"root: a/b    #": "root: c      #"}),
    "a longer one moves its comment": ("root", "/a/longer/one", {"root: a/b    #": "root: /a/longer/one  #"}),
    "what needs quotes gets them": ("root", "", {"root: a/b    #": 'root: ""     #'}),
    "no number is made of a text": ("root", "017", {"root: a/b    #": 'root: "017"  #'}),
    "a value that was null": ("last", True, {"last: null   #": "last: true   #"}),
    "a list": ("sets/two", ["y"], {"[x, y]  # both": "[y]     # both"}),
    "a key that goes": ("sets/one", REMOVED, {"  one: [x]\n": ""}),
    "a key with a comment becomes a comment": ("sets/two", REMOVED, {"  two: [x, y]": "#  two: [x, y]"}),
    "the last key of a block": ("sets/three", REMOVED, {"  three: [z]\n": ""}),
    "a key of a flow mapping": ("inner/b", REMOVED, {'{"017": why, b: 2}': '{"017": why}'}),
    "a folded text": ("words/long", "", {">-\n    two\n    lines": '""'}),
    "a block becomes null": (
        "sets",
        None,
        {
            "sets:        #": "sets: null   #",
            "  one: [x]\n": "",
            "  two: [x, y]  # both": "#  two: [x, y]  # both",
            "  three: [z]\n": "",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_value_changes_and_nothing_else(case):
    key, value, differences = CASES[case]
    expected = TEXT
    for old, new in differences.items():
        assert expected.count(old) == 1
        expected = expected.replace(old, new)

    assert edited(TEXT, [change(key, value)]) == expected


def test_the_last_key_of_all_leaves_an_empty_mapping():
    assert edited("a:  # why\n  b: 1\n", [change("a/b", REMOVED)]) == "a: {}  # why\n"


def test_changes_follow_one_another():
    found = edited(TEXT, [change("sets/one", REMOVED), change("sets/three", ["x"]), change("last", 3)])

    assert "  one:" not in found
    assert "three: [x]\n" in found
    assert "last: 3      # of all" in found


def test_line_ends_of_windows_stay():
    assert edited("a: 1 # x\r\nb: 2\r\n", [change("a", 3)]) == "a: 3 # x\r\nb: 2\r\n"


def test_a_key_that_is_missing_is_named():
    with pytest.raises(ParamsError, match=r"params/f\.yaml: key 'sets\.four' is missing, and so it is; add it as in"):
        edited(TEXT, [change("sets/four", 1)])


def test_a_form_that_cannot_be_edited_is_refused():
    with pytest.raises(ParamsError, match="key 'a' is written in a form that is not changed here; set it to 2 with an"):
        edited("a: &one 1\nb: *one\n", [change("a", 2)])
