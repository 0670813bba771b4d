"""inputs: the hash of a params file, and those of folders of files."""

from pipeline.report.inputs import folder_hashes, params_hash


def test_params_hash_depends_on_values_only():
    assert params_hash({"a": 1, "b": 2.0}) == params_hash({"b": 2.0, "a": 1})
    assert params_hash({"a": 1}) != params_hash({"a": 2})


def test_a_folder_has_a_hash_of_its_names_and_contents_without_notes_and_cards(tmp_path):
    paths = {name: tmp_path / name for name in ("features", "models")}
    net, models = paths["features"] / "net", paths["models"] / "set"
    for folder, names in {net: ("cv_a.safetensors", "no_files.txt"), models: ("lr.json", "lr.card.json")}.items():
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(name, encoding="utf-8")

    def found():
        return folder_hashes(paths, sets=["set", "other"], nets=["net", "frozen"])

    first = found()
    assert set(first) == {"features/net", "models/set"}
    (net / "no_files.txt").write_text("other", encoding="utf-8")
    (models / "lr.card.json").write_text("other", encoding="utf-8")
    assert found() == first
    (net / "cv_a.safetensors").rename(net / "cv_b.safetensors")
    (models / "lr.json").write_text("other", encoding="utf-8")
    second = found()

    assert all(second[name] != first[name] for name in first)
