"""The long trainings that come with the course are those of its notebooks, and serve them as the trainings did."""

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from weekly import WEEKLY

from course_utils.building import run_recorder
from course_utils.networks import known_runs, optim

FIRST = """from course_utils.networks import known_runs as _runs
_runs.train_anyway(False)
_runs.PATIENCE, _taken, _load = 0.0, [], _runs.load
_runs.load = lambda run, lengths: (_taken.append(run["name"]), _load(run, lengths))[1]"""
NAMES = [run["name"] for run in known_runs.described()]  # such as 08-solutions-02
COPIES = sorted({name[:-3] for name in NAMES} | {f"{name[:2]}-solutions" for name in NAMES})


@pytest.mark.slow
@pytest.mark.skipif(not WEEKLY, reason="it runs notebooks: weekly")
@pytest.mark.parametrize("copy", COPIES)
def test_a_notebook_that_takes_them_holds_what_it_says(copy, tmp_path):
    """Every expectation of the solution holds with the packed weights, and every run of the copy is still known."""
    number, room = copy.split("-")
    (path,) = (run_recorder.ROOT / room).glob(f"{number}*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        nbformat.v4.new_code_cell(FIRST),
        *notebook.cells,
        nbformat.v4.new_code_cell("print('taken:', *_taken)"),
    ]
    NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(tmp_path)}}).execute()
    taken = notebook.cells[-1].outputs[0].text.split()[1:]
    assert {name for name in NAMES if name.startswith(copy)} <= set(taken)


def test_a_training_is_kept_as_it_went_and_short_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(optim, "adam", optim.adam)  # what is put in its place goes again
    start = [np.ones((3, 2), "f4"), np.zeros(2, "f4")]

    def train(steps):
        return optim.adam(lambda p, batch: ((p[0] - batch) ** 2).sum() + (p[1] ** 2).sum(), start, [0.5] * 99, steps)

    run_recorder.record(str(tmp_path), "05-solutions", long=0)
    end = train(40)
    train(known_runs.LOOKED)  # nothing would be saved
    monkeypatch.setattr(run_recorder.os, "getpid", lambda: 0)  # a child, in which an answer is checked
    train(40)
    ((description, arrays),) = run_recorder.trainings(tmp_path)
    assert (description["name"], description["parameters"], description["steps"]) == ("05-solutions-01", 8, 40)
    assert len(description["first losses"]) == known_runs.LOOKED and description["first losses"][0] == 1.5
    change, units = arrays["05-solutions-01.change"], arrays["05-solutions-01.units"]
    packed = (1 + change * np.repeat(units, [6, 2]))[:6]
    np.testing.assert_array_equal(packed, end[0].ravel())  # what follows begins with what a browser will have
    assert end[0].dtype == np.float32


def test_a_pack_takes_the_place_of_what_was_there_of_its_notebooks_and_has_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(known_runs, "FOLDER", tmp_path / "pack")
    (tmp_path / "pack").mkdir()
    rng = np.random.default_rng(0)

    def keep(folder, name, loss):
        (tmp_path / folder).mkdir(exist_ok=True)
        run = {"label": "a", "seconds": 9.0, "steps": 30, "step sizes": [0.1] * 5, "losses": loss + np.arange(30.0)}
        start = rng.normal(size=5)
        np.savez(tmp_path / folder / f"{name}.npz", **run, start=start, end=start + 1, lengths=[5])

    def names():
        known_runs.described.cache_clear()
        listed = {run["name"] for run in known_runs.described()}
        for path in (tmp_path / "pack" / "known_runs").iterdir():
            with np.load(path, allow_pickle=False) as pack:
                assert {name.split(".")[0] for name in pack} == {n for n in listed if known_runs.pack_of(n) == path}
        return listed

    try:
        keep("first", "05-solutions-01", 1)
        keep("first", "05-notebooks-01", 1)  # the same
        keep("first", "05-notebooks-02", 2)
        keep("first", "06-solutions-01", 3)
        run_recorder.put_into_pack(["05", "06"], tmp_path / "first")
        assert names() == {"05-solutions-01", "05-notebooks-02", "06-solutions-01"}
        keep("second", "05-solutions-01", 4)
        run_recorder.put_into_pack(["05"], tmp_path / "second")
        assert names() == {"05-solutions-01", "06-solutions-01"}
        run_recorder.put_into_pack(["06"], tmp_path / "second" / "nothing")
        assert names() == {"05-solutions-01"} and not known_runs.pack_of("06").exists()
    finally:
        known_runs.described.cache_clear()


def test_a_training_that_is_shown_on_its_way_is_not_kept(tmp_path, monkeypatch):
    """A recorded run has its beginning and its end alone, so a figure of what lies between would be empty."""
    monkeypatch.setattr(optim, "adam", optim.adam)
    start = [np.ones((3, 2), "f4")]

    def train(label, callback):
        return optim.adam(lambda p, b: ((p[0] - b) ** 2).sum(), start, [0.5] * 40, 40, label=label, callback=callback)

    run_recorder.record(str(tmp_path), "05-solutions", long=0)
    for label, callback in [("GAN", lambda *_: None), ("GAN", None), ("VAE", lambda *_: None)]:
        train(label, callback)
    assert sorted(description["label"] for description, _ in run_recorder.trainings(tmp_path)) == ["GAN", "VAE"]
