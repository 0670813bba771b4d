"""Cases that an earlier run finished are not computed again, the longest of the others start first."""

from pipeline.training.trained_cases import loaders_of, trained_cases

TRAINED = {"a": frozenset("1"), "b": frozenset("123"), "c": frozenset("12"), "d": frozenset("1234")}


def test_the_finished_come_first_and_the_longest_of_the_others_next():
    computed, kept = [], []

    def compute(case):
        computed.append(case)
        return case.upper()

    found = trained_cases(
        list(TRAINED),
        load=lambda case: "kept" if case == "d" else None,
        compute=compute,
        save=kept.append,
        trained=TRAINED.get,
        device="cpu",
        workers=1,
        scheduler=None,
    )

    assert list(found) == ["kept", "B", "C", "A"]
    assert computed == ["b", "c", "a"]
    assert kept == ["B", "C", "A"]


def test_a_cpu_has_no_loader_of_its_own():
    assert loaders_of("cpu", workers=4) == 0
    assert loaders_of("cuda:0", workers=4) == 4
