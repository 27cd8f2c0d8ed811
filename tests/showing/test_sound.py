"""Melodies as sound: the right pitch at the right time, without clicks or clipping."""

import numpy as np
import pytest

from course_utils.data import load_melodies
from course_utils.showing import sound


def loudest(samples):
    """The frequency with the largest share in the spectrum, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**17))
    return np.argmax(spectrum) * sound.RATE / 2**17


@pytest.mark.parametrize("pitch, hertz", [(69, 440.0), (60, 261.6256), (81, 880.0)])
def test_the_pitch_is_that_of_equal_temperament(pitch, hertz):
    assert sound.frequency(pitch) == pytest.approx(hertz, rel=1e-6)
    assert loudest(sound.wave([pitch, *[-2] * 15])) == pytest.approx(hertz, rel=2e-3)


def test_notes_sound_when_they_should_and_rests_do_not():
    samples = sound.wave([60, -2, -1, -2, 72, -1])
    step = round(sound.STEP * sound.RATE)
    parts = [np.abs(samples[i * step + 2 : (i + 1) * step - 2]).max() for i in range(6)]
    assert [part > 0.05 for part in parts] == [True, True, False, False, True, False]
    assert len(samples) == round(6 * sound.STEP * sound.RATE)


def clicks(samples, above):
    """The largest deflection of what lies above some hertz, beyond the partials: a jump is white, tones are not."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / sound.RATE)
    spectrum[frequencies < above] = 0
    return np.abs(np.fft.irfft(spectrum, len(samples))).max()


def test_no_melody_clips_or_clicks():
    melodies = load_melodies().x_test
    for melody in melodies[:: len(melodies) // 40]:
        samples = sound.wave(melody)
        assert np.isfinite(samples).all() and 0.2 < np.abs(samples).max() < 0.95
        assert samples[0] == samples[-1] == 0
        # the steepest slope is that of the partials under the envelope, not that of a jump
        top = max(sound.frequency(p) for p in melody[melody >= 0])
        weights = sum(k * a for k, a in sound.PARTIALS) / sum(a for _, a in sound.PARTIALS)
        steepest = sound.LOUD * (2 * np.pi * top * weights + 1 / sound.ATTACK + 1 / sound.RELEASE) / sound.RATE
        assert np.abs(np.diff(samples)).max() < 1.05 * steepest
        if 3.2 * top < 3600:  # else the partials fill the whole band
            assert clicks(samples, 3.2 * top) < 0.03


def test_the_measure_of_clicks_finds_one():
    samples = sound.wave([60, -2, -2, -2, 64, -2, -2, -2])
    cut = samples.copy()
    cut[3000:] = 0  # in the middle of the first note
    assert clicks(samples, 1500) < 0.03 < 0.06 < clicks(cut, 1500)


def test_nothing_but_silence_is_silence():
    assert not sound.wave([-1, -2, -2]).any()


def test_several_in_a_row_have_pauses_between(monkeypatch):
    a, b = [60, -2], [62, -2, -2]
    row = sound.in_a_row([a, b], pause=0.2)
    assert len(row) == len(sound.wave(a)) + len(sound.wave(b)) + round(0.2 * sound.RATE)
    shown = []
    monkeypatch.setattr(sound, "display", shown.append)
    sound.play(a, b)
    (audio,) = shown
    assert audio.data[:4] == b"RIFF" and "audio/wav" in audio._repr_html_()
    samples = np.frombuffer(audio.data[44:], "<i2") / 32767
    np.testing.assert_allclose(samples, sound.in_a_row([a, b]), atol=1e-4)
