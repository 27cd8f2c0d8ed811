"""Frames between a trusted parent and a child that runs a student's code.

A frame is a JSON header and the raw bytes of its arrays. Nothing is ever pickled, and a frame from the child is
believed only after its lengths, shapes and types have been checked.
"""

import json
import re
import struct
from typing import Any, NamedTuple

import numpy as np

from course_utils.exercises.stand_ins import Named, Rng

HEAD = struct.Struct(">4sQQ")
MAGIC = b"cw01"
MAX_HEADER, MAX_PAYLOAD, MAX_NODES, MAX_DEPTH = 1_000_000, 64_000_000, 20_000, 8
MAX_TEXT, MAX_NAME, MAX_NUMBER = 2_000, 100, 50  # characters of a text, of a key or type's name, of a number
MAX_BITS = 40_000  # of a whole number
KEPT_PAYLOAD = 4_000_000  # a reply with more than this is twenty times any right one: its arrays are only named
KINDS = "biuf"  # of array: booleans, integers, floats


class WireError(ValueError):
    """A frame that is torn, too large, or does not say what a frame must say."""


class Other(NamedTuple):
    """Stands for a result that is no number, array or text, or a container of these."""

    type_name: str


def _array_node(array, payload):
    array = np.array(array, subok=False, order="C")
    if array.dtype.kind not in KINDS:
        return {"t": "other", "v": f"array of dtype {array.dtype}"[:MAX_NAME]}
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("<"))
    payload.append(array.tobytes())
    return {"t": "array", "dtype": array.dtype.str, "shape": list(array.shape)}


def _numbers(sequence):
    """The sequence as an array where it is a plain (nested, rectangular) list of numbers, else None."""
    try:
        array = np.asarray(sequence)
    except Exception:
        return None
    return array if array.dtype.kind in KINDS and array.size else None


def _node(value, payload, depth=0):
    if depth > MAX_DEPTH:
        return {"t": "other", "v": f"containers nested more than {MAX_DEPTH} deep"}
    if isinstance(value, np.ndarray) and value.dtype == object and not value.ndim:
        value = value.item()
    if value is None:
        return {"t": "none"}
    if isinstance(value, Rng):
        return {"t": "rng", "v": int(value.seed)}
    if isinstance(value, Named):
        return {"t": "named", "v": value.path}
    if isinstance(value, bool):
        return {"t": "bool", "v": value}
    if isinstance(value, str):
        return {"t": "str", "v": str(value)[:MAX_TEXT]}
    if isinstance(value, int) and abs(value) < 2**63:
        return {"t": "int", "v": int(value)}
    if isinstance(value, int) and value.bit_length() <= MAX_BITS:
        return {"t": "long", "v": f"{value:x}"}  # in base 16, which takes a time in proportion to its length
    if isinstance(value, float) and type(value) is float:
        return {"t": "float", "v": repr(value)}
    if isinstance(value, np.ndarray | np.generic):
        return _array_node(value, payload)
    if isinstance(value, list | tuple):
        array = _numbers(value) if len(value) > 100 else None
        if array is not None:
            return _array_node(array, payload)
        return {
            "t": "list" if isinstance(value, list) else "tuple",
            "v": [_node(item, payload, depth + 1) for item in value],
        }
    if isinstance(value, dict):
        return {
            "t": "dict",
            "k": [str(key)[:MAX_NAME] for key in value],
            "v": [_node(item, payload, depth + 1) for item in value.values()],
        }
    if hasattr(value, "__array__"):
        return _array_node(np.asarray(value), payload)
    return {"t": "other", "v": type(value).__name__[:MAX_NAME]}


def encode(value: Any) -> bytes:
    """One frame that holds `value`: numbers, text, arrays, stand-ins, and lists, tuples and dicts of these."""
    payload: list[bytes] = []
    header = json.dumps(_node(value, payload)).encode()
    body = b"".join(payload)
    return HEAD.pack(MAGIC, len(header), len(body)) + header + body


def frame_lengths(head: bytes) -> tuple[int, int]:
    """Lengths of header and payload from a frame's first HEAD.size bytes; WireError where they cannot be true."""
    magic, header, payload = HEAD.unpack(head)
    if magic != MAGIC or header > MAX_HEADER or payload > MAX_PAYLOAD:
        raise WireError("the answer's process sent something that is no frame, or one that is too large")
    return header, payload


def decode(header: bytes, payload: bytes | None, *, trusted: bool = False) -> Any:
    """The value of a frame. Stand-ins for generators and functions are understood only in a trusted frame. Without the
    payload, each array is an Other that tells its shape."""
    reader = _Reader(None if payload is None else memoryview(payload), trusted)
    try:
        value = reader.value(json.loads(header))
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise WireError(f"the answer's process sent a frame that cannot be read ({type(error).__name__})") from None
    if payload is not None and reader.at != len(payload):
        raise WireError("a frame's arrays and its length disagree")
    return value


def decode_frame(frame: bytes, *, trusted: bool = False) -> Any:
    """The value of one whole frame."""
    header, _ = frame_lengths(frame[: HEAD.size])
    return decode(frame[HEAD.size : HEAD.size + header], frame[HEAD.size + header :], trusted=trusted)


class _Reader:
    def __init__(self, payload, trusted):
        self.payload, self.trusted, self.at, self.nodes = payload, trusted, 0, 0

    def value(self, node, depth=0):
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH + 1:
            raise WireError("a frame holds too many values, or nests them too deep")
        tag = node["t"]
        if tag == "array":
            return self.array(node)
        if tag in ("list", "tuple"):
            return {"list": list, "tuple": tuple}[tag](self.value(item, depth + 1) for item in node["v"])
        if tag == "dict":
            pairs = zip(node["k"], node["v"], strict=True)
            return {_short(key, MAX_NAME): self.value(item, depth + 1) for key, item in pairs}
        if tag in ("rng", "named") and self.trusted:
            return Rng(int(node["v"])) if tag == "rng" else Named(str(node["v"]))
        plain = {
            "none": lambda v: None,
            "bool": bool,
            "int": _number(int),
            "long": lambda v: int(_whole(v), 16),
            "float": _number(float),
            "str": lambda v: _short(v, MAX_TEXT),
            "other": lambda v: Other(_short(v, MAX_NAME)),
        }
        if tag not in plain:
            raise WireError("a frame holds a value of an unknown sort")
        return plain[tag](node.get("v"))

    def array(self, node):
        shape = tuple(node["shape"])
        kind = _short(node["dtype"], 4)
        if not re.fullmatch(r"[<|][biuf][1248]", kind) or len(shape) > 16:  # numpy evaluates longer ones
            raise WireError("a frame holds an array of a refused type")
        dtype = np.dtype(kind)
        if any(type(n) is not int or not 0 <= n <= MAX_PAYLOAD for n in shape):  # (2**60, 0) takes no bytes
            raise WireError("a frame holds an array whose shape is no shape")
        if self.payload is None:
            return Other(f"a large array of shape {shape}")
        size = dtype.itemsize
        for n in shape:
            size *= n
        if self.at + size > len(self.payload):
            raise WireError("a frame's arrays and its length disagree")
        array = np.frombuffer(self.payload[self.at : self.at + size], dtype).reshape(shape).copy()
        self.at += size
        return array


def _short(text, most) -> str:
    """The beginning of a text; TypeError for anything else, whose text could be of any length."""
    if not isinstance(text, str):
        raise TypeError(type(text))
    return text[:most]


def _whole(text) -> str:
    """The text if it is as short as that of the longest whole number that is sent."""
    if not isinstance(text, str) or len(text) > MAX_BITS // 4 + 2:
        raise ValueError
    return text


def _number(convert):
    """Converts a number or its text, if that is as short as the texts that `encode` writes."""

    def read(value):
        if isinstance(value, str) and len(value) > MAX_NUMBER:
            raise ValueError
        return convert(value)

    return read
