"""Frames: everything that may be sent comes back the same; everything else is refused with a reason."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.checking import wire
from course_utils.checking.wire import HEAD, MAGIC, Other, WireError
from course_utils.exercises.stand_ins import Named, Rng, resolve

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.integers(-(2**40_000) + 1, 2**40_000 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=50)
    | hnp.arrays(st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]), hnp.array_shapes(min_dims=0))
)
trees = st.recursive(
    leaves,
    lambda t: st.lists(t, max_size=4) | st.tuples(t, t) | st.dictionaries(st.text(max_size=5), t, max_size=3),
    max_leaves=10,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


@pytest.mark.slow
@given(trees)
def test_values_survive_the_wire(tree):
    assert same(tree, wire.decode_frame(wire.encode(tree)))


def test_special_floats_and_empty_arrays_survive():
    value = [float("inf"), -float("inf"), np.zeros((0, 3)), np.float64(1.5), np.int32(7)]
    back = wire.decode_frame(wire.encode(value))
    assert back[:2] == value[:2] and back[2].shape == (0, 3) and back[3].shape == () and back[3] == 1.5 and back[4] == 7
    assert np.isnan(wire.decode_frame(wire.encode(float("nan"))))


def test_whole_numbers_of_any_reasonable_size_survive_and_larger_ones_are_named():
    value = [2**63, -(2**63), 3**20_000, -(5**9_000)]
    assert wire.decode_frame(wire.encode(value)) == value
    assert wire.decode_frame(wire.encode(2**40_001)) == Other("int")
    assert wire.decode_frame(wire.encode(np.asarray(3**90))) == 3**90  # numpy's array without axes holds an object


@pytest.mark.parametrize("text", [7, "", "1g", "f" * 10_003, None, ["1"]])
def test_a_long_number_that_is_none_is_refused(text):
    header = json.dumps({"t": "long", "v": text}).encode()
    with pytest.raises(WireError):
        wire.decode(header, b"")


def test_stand_ins_are_resolved_only_from_a_trusted_frame():
    frame = wire.encode([Rng(3), Named("numpy:tanh")])
    rng, function = resolve(wire.decode_frame(frame, trusted=True))
    assert function is np.tanh and rng.normal() == np.random.default_rng(3).normal()
    with pytest.raises(WireError, match="unknown sort"):
        wire.decode_frame(frame)


class Sly:
    """Equals everything, and claims to be an array."""

    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0])


class Loud(np.ndarray):
    def __array_finalize__(self, other):
        self.secret = 1


def test_arrays_in_disguise_come_out_as_plain_ones():
    disguised = [Sly(), np.ones(3).view(Loud), np.ma.masked_array([1.0, 2.0], [0, 1]), np.matrix([[1, 2]])]
    back = wire.decode_frame(wire.encode(disguised))
    assert all(type(array) is np.ndarray for array in back)
    assert [array.shape for array in back] == [(2,), (3,), (2,), (1, 2)]


def test_what_cannot_be_sent_is_named():
    back = wire.decode_frame(wire.encode([object(), np.array([None]), 1j, 10**13_000, {1: 2}]))
    assert back[0] == Other("object") and "object" in back[1].type_name and back[2] == Other("complex")
    assert back[3] == Other("int") and back[4] == {"1": 2}
    endless = []
    endless.append(endless)
    assert "deep" in str(wire.decode_frame(wire.encode(endless)))


def torn(header, payload=b""):
    return HEAD.pack(MAGIC, len(header), len(payload)) + header + payload


@pytest.mark.parametrize(
    "node, payload",
    [
        ({"t": "array", "dtype": "<f8", "shape": [4]}, b"\0" * 8),  # too few bytes
        ({"t": "array", "dtype": "<f8", "shape": [1]}, b"\0" * 16),  # too many
        ({"t": "array", "dtype": "<f8", "shape": [-1]}, b"\0" * 8),
        ({"t": "array", "dtype": "<f8", "shape": [10**12, 10**12]}, b""),
        ({"t": "array", "dtype": "<f8", "shape": [True]}, b"\0" * 8),
        ({"t": "array", "dtype": "<f8", "shape": "12"}, b"\0" * 8),
        ({"t": "array", "dtype": "O", "shape": [1]}, b"\0" * 8),
        ({"t": "array", "dtype": "<U9", "shape": [1]}, b"\0" * 36),
        ({"t": "array", "dtype": "f8,f8", "shape": [1]}, b"\0" * 16),
        ({"t": "pickle", "v": ""}, b""),
        ({"t": "list", "v": 3}, b""),
        ({"t": "dict", "k": ["a"], "v": []}, b""),
        ({"no": "tag"}, b""),
        ("text", b""),
        ([], b""),
        ({"t": "float", "v": "__import__('os')"}, b""),
        ({"t": "named", "v": "os:system"}, b""),
        ({"t": "none"}, b"left over"),
    ],
)
def test_lying_frames_are_refused(node, payload):
    with pytest.raises(WireError):
        wire.decode_frame(torn(json.dumps(node).encode(), payload))


def test_deep_wide_and_broken_frames_are_refused():
    deep = b'{"t":"list","v":[' * 3000 + b"]}" * 3000
    wide = json.dumps({"t": "list", "v": [{"t": "none"}] * (wire.MAX_NODES + 1)}).encode()
    for header in (deep, wide, b"\xff\xfe", b"{", b""):
        with pytest.raises(WireError):
            wire.decode_frame(torn(header))


def test_a_head_that_promises_too_much_is_refused_before_anything_is_read():
    for head in (HEAD.pack(MAGIC, 2**40, 0), HEAD.pack(MAGIC, 0, 2**60), HEAD.pack(b"oops", 1, 1)):
        with pytest.raises(WireError):
            wire.frame_lengths(head)


def test_texts_are_cut_and_numbers_are_short():
    long = "1" * 300_000
    node = {"t": "dict", "k": [long, "b"], "v": [{"t": "str", "v": long}, {"t": "other", "v": "x" * 100_000}]}
    back = wire.decode_frame(torn(json.dumps(node).encode()))
    assert back == {"1" * wire.MAX_NAME: "1" * wire.MAX_TEXT, "b": Other("x" * wire.MAX_NAME)}
    for lie in (
        {"t": "float", "v": long},
        {"t": "int", "v": "1" * 4000},
        {"t": "str", "v": [long]},
        {"t": "other", "v": {"a": 1}},
        {"t": "dict", "k": [["a"]], "v": [{"t": "none"}]},
        {"t": long},
        {"t": "array", "dtype": "<f8" + long, "shape": [0]},
    ):
        with pytest.raises(WireError) as refused:
            wire.decode_frame(torn(json.dumps(lie).encode()))
        assert len(str(refused.value)) < 100
    sent = wire.encode({long: type(long[:50_000], (), {})(), "text": long})
    assert len(sent) < 3_000
