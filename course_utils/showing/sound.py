"""Melodies as sound: waveforms without clicks, and players for a notebook."""

from collections.abc import Sequence

import numpy as np
from IPython.display import Audio, display

from course_utils.models.melody import notes

RATE = 8000  # samples a second; partials above half of it are left out
STEP = 0.11  # seconds of a sixteenth
PARTIALS = ((1, 1.0), (2, 0.35), (3, 0.15))  # (multiple of the pitch, amplitude)
LOUD, ATTACK, RELEASE, DECAY = 0.55, 0.008, 0.04, 0.6  # amplitude; seconds


def frequency(pitch: int) -> float:
    """Hertz of a MIDI pitch in equal temperament: 440 for 69, twice as much 12 above."""
    return 440.0 * 2 ** ((pitch - 69) / 12)


def wave(melody: Sequence[int] | np.ndarray, step: float = STEP, rate: int = RATE) -> np.ndarray:
    """The melody (T,) as samples between -1 and 1, (T step rate,).

    Every note is a few partials under an envelope that starts and ends at 0 within the note's own time, so that notes
    join without a jump, and never add up.
    """
    samples = np.zeros(round(len(melody) * step * rate))
    total = sum(amplitude for _, amplitude in PARTIALS)
    for start, length, pitch in zip(*notes(np.asarray(melody))):
        begin, end = round(start * step * rate), round((start + length) * step * rate)
        t = np.arange(end - begin) / rate
        left = (end - begin - 1) / rate - t
        envelope = np.minimum(1, t / ATTACK) * np.exp(-t / DECAY) * np.minimum(1, left / RELEASE)
        heard = [(k * frequency(pitch), a) for k, a in PARTIALS if k * frequency(pitch) < 0.48 * rate]
        tone = sum(a * np.sin(2 * np.pi * hertz * t) for hertz, a in heard)
        samples[begin:end] = LOUD * envelope * tone / total
    return samples


def in_a_row(melodies: Sequence[Sequence[int] | np.ndarray], pause: float = 0.35) -> np.ndarray:
    """The melodies one after the other, with pauses of some seconds between."""
    silence = np.zeros(round(pause * RATE))
    return np.concatenate([part for melody in melodies for part in (wave(melody), silence)][:-1])


def play(*melodies: Sequence[int] | np.ndarray) -> None:
    """Displays a player for one melody or for several in a row; nothing sounds before it is pressed."""
    display(Audio(in_a_row(melodies), rate=RATE, normalize=False))
