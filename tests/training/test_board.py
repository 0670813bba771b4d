"""TensorBoard files: what was added can be read, and epochs repeated after an interruption appear once."""

from pipeline.training.board import TrainingBoard


def curve(folder, name="loss/train"):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return [(event.step, round(event.value, 6)) for event in found.Scalars(name)]


def draw(folder, epochs, *, resumed_after=0):
    board = TrainingBoard(folder, resumed_after=resumed_after)
    for epoch in epochs:
        board.add({"loss/train": 1 / epoch, "loss/validation": None}, epoch=epoch)
    board.close()


def test_points_are_read_back(tmp_path):
    draw(tmp_path / "net", [1, 2])

    assert curve(tmp_path / "net") == [(1, 1.0), (2, 0.5)]


def test_a_resumed_training_continues_its_curves_and_a_new_one_replaces_them(tmp_path):
    draw(tmp_path / "net", [1, 2, 3])
    draw(tmp_path / "net", [3, 4], resumed_after=2)
    assert curve(tmp_path / "net") == [(1, 1.0), (2, 0.5), (3, 0.333333), (4, 0.25)]

    draw(tmp_path / "net", [1])
    assert curve(tmp_path / "net") == [(1, 1.0)]


def test_no_folder_no_file(tmp_path):
    draw(None, [1])

    assert not list(tmp_path.iterdir())
