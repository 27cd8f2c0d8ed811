"""Trainings that the course has done before: which ones are known, what is taken of them, and how to train anyway."""

import json
import sys
from types import SimpleNamespace

import autograd.numpy as anp
import numpy as np
import pytest

from course_utils.building.run_recorder import recording
from course_utils.networks import known_runs, optim
from course_utils.networks.flat import flatten, leaves
from course_utils.networks.nets import init_mlp, mlp

STEPS = 300


def trained(seed=0, steps=STEPS, step_size=0.02, power=2, data=1.0, adam=None, callback=None):
    """(network, generator) after fitting a sine; minibatches and their noise come from the one generator."""
    rng = np.random.default_rng(seed)
    start = init_mlp([1, 16, 1], rng)
    x = np.linspace(-2, 2, 200, dtype=np.float32)[:, None]

    def batches():
        for rows in optim.minibatches(x, 20, steps, rng):
            yield rows + 0.01 * rng.standard_normal(rows.shape, dtype=np.float32)

    def loss(params, rows):
        return anp.mean(anp.abs(mlp(params, rows) - anp.sin(data * 2 * rows)) ** power)

    rate = optim.hold_then_linear(step_size, steps)
    return (adam or optim.adam)(loss, start, batches(), steps, rate, label="a sine", callback=callback), rng


@pytest.fixture
def known(monkeypatch, tmp_path):
    """A folder with one run, that of `trained()`, in a browser where every training would take too long."""
    kept = []
    network, _ = trained(adam=recording(optim.adam, kept.append))
    (run,) = kept
    change, units = known_runs.packed(run["start"], run["end"], run["lengths"])
    (tmp_path / "known_runs").mkdir()
    np.savez_compressed(tmp_path / "known_runs" / "00.npz", **{"00-01.change": change, "00-01.units": units})
    description = {
        "name": "00-01",
        "parameters": len(change),
        "steps": run["steps"],
        "step sizes": run["step sizes"],
        "first losses": run["losses"][: known_runs.LOOKED],
        "last loss": run["losses"][-1],
    }
    (tmp_path / "known_runs.json").write_text(json.dumps([description]), encoding="utf-8")
    monkeypatch.setattr(known_runs, "FOLDER", tmp_path)
    monkeypatch.setattr(known_runs, "PATIENCE", 0.0)
    monkeypatch.setattr(known_runs, "_anyway", False)
    known_runs.described.cache_clear()
    yield network
    known_runs.described.cache_clear()


def steps_done(monkeypatch):
    """A list that gets an entry for every update of Adam."""
    done, update = [], optim._adam_update
    monkeypatch.setattr(optim, "_adam_update", lambda *args: (done.append(1), update(*args)))
    return done


@pytest.mark.whole
def test_a_known_training_ends_after_its_first_steps_with_the_weights_that_came_of_it(known, monkeypatch, capsys):
    done = steps_done(monkeypatch)
    network, _ = trained()
    assert len(done) == known_runs.LOOKED
    assert all(a.dtype == np.float32 for a in leaves(network))
    for got, expected in zip(leaves(network), leaves(known)):
        apart = np.abs(got - expected)
        start_to_end = expected.std() + 1
        assert apart.max() <= 0.05 * start_to_end, "the packed weights are not those that were trained"
    said = capsys.readouterr().out
    assert "a sine: 300 steps would take some 0 s here" in said and known_runs.HOW_TO_TRAIN in said


def test_its_generator_is_left_as_after_training(known):
    _, rng = trained()
    known_runs.train_anyway()
    _, as_trained = trained()
    assert rng.bit_generator.state == as_trained.bit_generator.state


def test_a_callback_sees_the_first_steps_and_the_end(known):
    seen = []
    network, _ = trained(callback=lambda t, params, loss: seen.append((t, flatten(params), loss)))
    assert [t for t, *_ in seen] == [*range(1, known_runs.LOOKED + 1), STEPS]
    np.testing.assert_array_equal(seen[-1][1], flatten(network))
    assert seen[-1][2] == known_runs.described()[0]["last loss"]


@pytest.mark.whole
@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"steps": 310}, {"step_size": 0.021}, {"power": 1.9}, {"data": 1.05}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_training_that_was_changed_is_done_in_full(known, changed, monkeypatch, capsys):
    done = steps_done(monkeypatch)
    trained(**changed)
    assert len(done) == changed.get("steps", STEPS)
    assert known_runs.HOW_TO_TRAIN not in capsys.readouterr().out


@pytest.mark.whole
def test_another_course_of_the_step_size_is_another_training_even_where_it_begins_alike(known, monkeypatch):
    """A schedule that stays a little longer has the very same first losses."""
    done, real = steps_done(monkeypatch), optim.hold_then_linear
    monkeypatch.setattr(optim, "hold_then_linear", lambda size, steps: lambda t: max(size / 2, real(size, steps)(t)))
    trained()
    assert len(done) == STEPS


def test_rounding_of_another_machine_does_not_hide_a_known_training(known, monkeypatch):
    done, real = steps_done(monkeypatch), optim.value_and_gradient

    def rounded(loss, params, out):
        compute = real(loss, params, out)
        noise = np.random.default_rng(0)

        def value(batch):
            found = compute(batch)
            for array in leaves(out):
                array *= 1 + 1e-6 * noise.standard_normal(array.shape).astype(np.float32)
            return found * (1 + 1e-6)

        return value

    monkeypatch.setattr(optim, "value_and_gradient", rounded)
    trained()
    assert len(done) == known_runs.LOOKED


@pytest.mark.whole
@pytest.mark.parametrize("why", ["it was asked for", "it does not take long"])
def test_a_known_training_is_done_all_the_same_where(why, known, monkeypatch):
    if why == "it was asked for":
        known_runs.train_anyway()
    else:
        monkeypatch.setattr(known_runs, "PATIENCE", 3600.0)
    done = steps_done(monkeypatch)
    network, _ = trained()
    assert len(done) == STEPS
    np.testing.assert_array_equal(flatten(network), flatten(known))


def browser_that_gives(monkeypatch, status=200, body=b"", refused=False):
    """Modules of Pyodide whose requests get this; returns the list of what is asked for."""
    asked = []

    class JsException(Exception):
        pass

    def send():
        if refused:
            raise JsException("NetworkError")

    response = SimpleNamespace(to_bytes=lambda: body)
    request = SimpleNamespace(open=lambda *what: asked.append(what), send=send, status=status, response=response)
    config = SimpleNamespace(indexURL="http://127.0.0.1/sub/static/pyodide/")
    monkeypatch.setitem(sys.modules, "js", SimpleNamespace(XMLHttpRequest=SimpleNamespace(new=lambda: request)))
    monkeypatch.setitem(sys.modules, "pyodide_js", SimpleNamespace(_api=SimpleNamespace(config=config)))
    monkeypatch.setitem(sys.modules, "pyodide", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "pyodide.ffi", SimpleNamespace(JsException=JsException))
    return asked


def test_a_browser_fetches_a_notebooks_pack_when_a_training_is_known_and_not_before(known, tmp_path, monkeypatch):
    pack = (tmp_path / "known_runs" / "00.npz").read_bytes()
    (tmp_path / "known_runs" / "00.npz").unlink()
    asked = browser_that_gives(monkeypatch, body=pack)
    trained(seed=1)
    assert not asked
    done = steps_done(monkeypatch)
    trained()
    assert asked == [("GET", "http://127.0.0.1/sub/static/pyodide/../runs/00.npz", False)]
    assert len(done) == known_runs.LOOKED


@pytest.mark.parametrize("failure", [{"status": 404}, {"refused": True}], ids=["not there", "no network"])
def test_where_it_cannot_be_fetched_the_training_is_done_and_that_is_said(
    failure, known, tmp_path, monkeypatch, capsys
):
    (tmp_path / "known_runs" / "00.npz").unlink()
    browser_that_gives(monkeypatch, **failure)
    done = steps_done(monkeypatch)
    trained()
    assert len(done) == STEPS
    assert (
        "a sine was done in full; the course has its weights, but 00.npz cannot be fetched" in capsys.readouterr().out
    )


def test_outside_of_a_browser_nothing_is_looked_for():
    assert known_runs._anyway and known_runs.watch(np.zeros(2), [2], 100, lambda t: 0.1, "") is None


@pytest.mark.parametrize("few", [0, 10**6], ids=["many weights", "few weights"])
def test_numbers_are_packed_as_finely_as_they_spread_and_none_is_cut_off(few, monkeypatch):
    monkeypatch.setattr(known_runs, "FEW", few)
    rng = np.random.default_rng(0)
    start = rng.normal(size=1007)
    end = start + np.concatenate([0.01 * rng.normal(size=1000), np.zeros(5), [0.0, 40.0]])
    change, units = known_runs.packed(start, end, [1000, 5, 2])
    assert change.dtype == (np.int16 if few else np.int8) and len(units) == 3
    apart = np.abs(end - start - change * np.repeat(units, [1000, 5, 2]))
    ordinary, largest = (1e-6, 40 / 2**15) if few else (0.01 / 6 * 0.6, 40 / 127)
    assert apart[:1000].max() <= ordinary and not apart[1000:1005].any() and apart[1005:].max() < largest


def test_the_runs_that_come_with_the_course_are_whole():
    packs = sorted((known_runs.FOLDER / "known_runs").iterdir())
    assert packs == sorted({known_runs.pack_of(run["name"]) for run in known_runs.described()})
    for path in packs:
        runs = [run for run in known_runs.described() if known_runs.pack_of(run["name"]) == path]
        with np.load(path, allow_pickle=False) as pack:
            for run in runs:
                assert len(pack[f"{run['name']}.change"]) == run["parameters"]
                assert len(run["first losses"]) == known_runs.LOOKED < run["steps"]
                assert np.isfinite([*run["first losses"], run["last loss"], *pack[f"{run['name']}.units"]]).all()
            assert {name.split(".")[0] for name in pack} == {run["name"] for run in runs}


def test_the_clock_counts_what_a_known_training_would_have_taken(known, monkeypatch):
    monkeypatch.setattr(known_runs.time, "monotonic", iter(np.arange(0.0, 1000.0)).__next__)  # a second a step
    before = known_runs.processor_time()
    trained()
    assert STEPS - known_runs.LOOKED <= known_runs.processor_time() - before < STEPS
    before = known_runs.processor_time()
    trained(seed=1)  # another training, which is done
    assert known_runs.processor_time() - before < STEPS - known_runs.LOOKED
