"""Faces that a program has drawn, for editions of the course that may not pass the photographs of ORL on.

Forty people with ten pictures each, as in ORL: a person is a row of measures (Chernoff 1973, *The use of faces to
represent points in k-dimensional space graphically*), a picture adds light, pose and expression. Nobody is shown.
"""

import numpy as np

PEOPLE, PICTURES, SIDE = 40, 10, 64
SEED = 1973
# Ranges of what differs between people, in halves of the picture's side (x to the right, y down); tones from 0 to 1.
PERSON = {
    "width": (0.50, 0.64),
    "height": (0.74, 0.86),
    "skin": (0.42, 0.88),
    "hair": (0.02, 0.45),
    "fringe": (-0.62, -0.34),
    "sides": (-0.30, 0.75),
    "volume": (1.04, 1.28),
    "eyes_apart": (0.20, 0.28),
    "eyes_at": (-0.14, -0.04),
    "eye": (0.075, 0.115),
    "brow": (0.025, 0.06),
    "brow_tilt": (-0.15, 0.35),
    "nose": (0.16, 0.30),
    "nose_width": (0.06, 0.12),
    "mouth_at": (0.40, 0.52),
    "mouth": (0.16, 0.28),
    "lip": (0.025, 0.06),
    "jaw": (0.0, 0.35),
    "ground": (0.20, 0.85),
}
# Standard deviations of what differs between the pictures of a person.
PICTURE = {
    "from_side": 0.20,
    "from_above": 0.15,
    "exposure": 0.12,
    "turn": 0.03,
    "nod": 0.02,
    "right": 0.02,
    "down": 0.02,
    "tilt": 0.04,
    "smile": 0.10,
    "open": 0.03,
    "lids": 0.18,
}


def edge(distance: np.ndarray, softness: float = 0.025) -> np.ndarray:
    """1 where a distance is negative, 0 where it is positive, and smooth between the two."""
    return 1 / (1 + np.exp(np.clip(distance / softness, -40, 40)))


def ellipse(x: np.ndarray, y: np.ndarray, a: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
    """About the distance of (x, y) to the ellipse with half-axes a and b around 0; negative inside."""
    r = np.hypot(x / a, y / b)
    return (r - 1) * r / (np.hypot(x / a**2, y / b**2) + 1e-3)


def over(below: np.ndarray, tone: np.ndarray | float, cover: np.ndarray) -> np.ndarray:
    """A picture with a tone painted over it where `cover` is 1."""
    return below + (tone - below) * cover


def drawn_faces() -> np.ndarray:
    """The faces (400, 64, 64), float32 in [0, 1], ten of each person in turn; always the same ones."""
    rng = np.random.default_rng(SEED)
    each = lambda low, high: rng.uniform(low, high, size=(PEOPLE, 1, 1, 1))  # noqa: E731
    p = {name: each(*limits) for name, limits in PERSON.items()}
    glasses, beard = (rng.uniform(size=(PEOPLE, 1, 1, 1)) < share for share in (0.3, 0.2))
    s = {name: width * rng.normal(size=(PEOPLE, PICTURES, 1, 1)) for name, width in PICTURE.items()}
    noise = rng.normal(size=(PEOPLE, PICTURES, SIDE, SIDE))
    row = lambda of, i: {name: values[i] for name, values in of.items()}  # noqa: E731
    faces = np.stack([_person(row(p, i), row(s, i), glasses[i], beard[i]) for i in range(PEOPLE)])
    pixels = np.round(255 * np.clip(faces + 0.012 * noise, 0, 1))  # as a camera's: the same on every machine
    return (pixels / 255).astype(np.float32).reshape(PEOPLE * PICTURES, SIDE, SIDE)


def _person(p: dict, s: dict, glasses: np.ndarray, beard: np.ndarray) -> np.ndarray:
    """The pictures (10, 64, 64) of one person p, one for each row of s."""
    t = (np.arange(SIDE) + 0.5) / (SIDE / 2) - 1
    x0, y0 = t[None, None, :] - s["right"], t[None, :, None] - 0.05 - s["down"]
    x, y = x0 - s["tilt"] * y0, y0 + s["tilt"] * x0  # the head leans to a side
    width = p["width"] * (1 - p["jaw"] * np.clip(y, 0, 1) ** 2)
    depth = np.sqrt(np.clip(1 - (x / width) ** 2 - (y / p["height"]) ** 2, 0.02, 1))
    slope = s["from_side"] * x / width - s["from_above"] * y / p["height"]
    light = np.clip(0.62 + 0.38 * depth + 0.6 * slope, 0.08, 1.6)
    skin = p["skin"] * light
    head = ellipse(x, y, width, p["height"])
    hair_tone = p["hair"] * (0.5 + 0.5 * light)
    face = np.broadcast_to(p["ground"] * (1 + 0.25 * s["from_side"] * x0), x.shape)
    around = ellipse(x, y + 0.06, p["volume"] * p["width"], 1.08 * p["height"])
    face = over(face, hair_tone, edge(np.maximum(around, y - p["sides"])))
    face = over(face, 0.8 * skin, edge(np.maximum(np.abs(x) - 0.22, 0.5 - y)))  # the neck
    face = over(face, 0.25, edge(1.05 - y + 0.5 * x**2 - 0.15))  # a collar
    face = over(face, skin, edge(head))
    u, v = x - s["turn"] * 2 * depth, y - s["nod"]  # what is in the face moves with it
    face = over(face, 0.55 * skin, 0.55 * beard * edge(np.maximum(head, 0.30 + 0.12 * np.cos(5 * u) - v)))
    for side in (-1, 1):
        a, b = u - side * p["eyes_apart"], v - p["eyes_at"]
        lid = p["eye"] * np.clip(0.62 + s["lids"], 0.12, 0.85)
        face = over(face, 0.72 * skin, 0.6 * edge(ellipse(a, b, 1.7 * p["eye"], 1.5 * p["eye"]), 0.05))
        white = edge(ellipse(a, b, 1.25 * p["eye"], lid))
        face = over(face, np.minimum(0.95 * light, 1), white)
        face = over(face, 0.06, white * edge(ellipse(a - s["turn"], b, 0.62 * p["eye"], 0.62 * p["eye"])))
        brow = np.abs(b + 0.17 - side * p["brow_tilt"] * a * 0.8 - 0.9 * a**2) - p["brow"]
        face = over(face, 0.8 * hair_tone, edge(np.maximum(brow, np.abs(a) - 0.16)))
        rim = np.abs(ellipse(a, b - 0.01, 0.19, 0.16)) - 0.012
        bridge = np.maximum(np.abs(b + 0.02) - 0.012, np.abs(u) - 0.07)
        face = over(face, 0.08, 0.85 * glasses * edge(np.minimum(rim, bridge)))
    tip = p["eyes_at"] + 0.06 + p["nose"]
    ridge = np.maximum(np.abs(u - 1.6 * s["turn"]) - 0.03, np.maximum(v - tip, p["eyes_at"] - v))
    face = over(face, np.minimum(1.18 * skin, 1), 0.5 * edge(ridge, 0.04))
    face = over(face, 0.5 * skin, 0.7 * edge(ellipse(u - 1.6 * s["turn"], v - tip, p["nose_width"], 0.035)))
    a, b = u - s["turn"], v - p["mouth_at"] + 6 * s["smile"] * (u - s["turn"]) ** 2
    face = over(face, 0.55 * skin, 0.9 * edge(ellipse(a, b, p["mouth"], p["lip"] + np.abs(s["open"]))))
    face = over(face, 0.12, 0.9 * edge(ellipse(a, b, 0.85 * p["mouth"], 0.01 + np.abs(s["open"]))))
    top = np.maximum(around, y - p["fringe"] - 0.25 * x**2 / p["width"] ** 2)
    face = over(face, hair_tone, edge(top))
    return face * (1 + s["exposure"])
