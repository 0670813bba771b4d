"""A lazy sequence: items are made when asked for, and only then."""

import pickle

import pytest

from pipeline.foundation.lazy import LazySequence
from pipeline.foundation.parallel import map_cases


def square(number):
    return number * number


@pytest.fixture
def counted():
    made = []
    return LazySequence(lambda key: made.append(key) or square(key), range(6)), made


def test_it_is_a_sequence():
    items = LazySequence(square, [1, 2, 3, 4])

    assert (len(items), items[1], items[-1], list(items)) == (4, 4, 16, [1, 4, 9, 16])
    assert list(items[2:]) == [9, 16]
    assert list(items.only({4, 1})) == [1, 16]
    with pytest.raises(IndexError):
        items[4]


def test_nothing_is_made_until_it_is_asked_for(counted):
    items, made = counted
    rest = items[3:].only({5})

    assert made == []
    assert [rest[0], items[2]] == [25, 4]
    assert made == [5, 2]


def test_cases_are_made_one_at_a_time(counted):
    items, made = counted
    results = map_cases(square, items, workers=1)

    assert [next(results), next(results)] == [0, 1]
    assert made == [0, 1]


def test_an_index_error_of_an_item_is_not_the_end():
    with pytest.raises(IndexError):
        list(LazySequence([7].__getitem__, [0, 1]))


def test_it_travels_to_another_process():
    assert list(pickle.loads(pickle.dumps(LazySequence(square, [3])))) == [9]
    assert list(map_cases(square, LazySequence(square, [1, 2, 3]), workers=2)) == [1, 16, 81]
