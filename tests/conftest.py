"""The longest file of the suite comes first, so that the other processes of a parallel run have work until it ends."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_end_to_end.py")
