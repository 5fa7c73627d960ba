"""A monitor that is saved and restored goes on as one that was not; any other image changes nothing."""

import ctypes
import struct

import numpy as np
import pytest
from c_monitor import CMonitor, build_shipped
from simulated_lives import OWN, SHAPES, limited

from sibeat_edge.beats.cut import CutBeat, Pause
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET

RESTORED, NONE, OTHER_VERSION, OTHER_MODEL, OTHER_SIZE, DAMAGED = range(6)
HEADER = struct.Struct("=5I")  # mark, version, model, bytes, crc


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_shipped(tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="module")
def model():
    return Model(PRESET)


def tape_of(seed, count):
    """Beats as a stream cuts them, with pauses and gaps: a warm-up, and what follows."""
    draws, time = np.random.default_rng(seed), 0.0
    for number in range(count):
        shape = draws.integers(1, len(SHAPES)) if draws.random() < 0.12 else 0
        rr = round(360 * (0.55 if shape else draws.normal(0.8, 0.02))) / 360
        time += rr
        window = limited((SHAPES[shape] if number % 20 else 2 * OWN) + 0.02 * draws.normal(size=320))
        window = None if draws.random() < 0.03 else np.float32(window)[:, None]
        yield CutBeat(time, window, "", rr if number else None, likeness=float(draws.normal(18, 3)))
        if draws.random() < 0.02:
            yield Pause(True)
        if draws.random() < 0.02:
            yield "gap"
    yield "end"


class Slept(CMonitor):
    """A monitor whose memory is lost and restored now and then."""

    def __init__(self, library, model, draws, share):
        super().__init__(library, model)
        self._draws, self._share, self.slept = draws, share, 0

    def play(self, tape):
        for cut in tape:
            super().play([cut])
            if self._draws.random() < self._share:
                self.sleep()
        return self

    def sleep(self):
        image = self.save()
        calls = bytes(self._state)[self._library.monitor_calls() :]
        ctypes.memset(self._state, self._draws.integers(256), self._library.monitor_calls())
        assert bytes(self._state)[self._library.monitor_calls() :] == calls
        assert self.restore(image) == RESTORED
        self.slept += 1

    def save(self):
        image = ctypes.create_string_buffer(self._library.monitor_image())
        size = self._library.sibeat_monitor_save(self._state, image, ctypes.c_size_t(len(image)))
        assert size == len(image)
        return image.raw

    def restore(self, image):
        return self._library.sibeat_monitor_restore(self._state, image, ctypes.c_size_t(len(image)))


@pytest.mark.parametrize("seed", range(3))
def test_a_monitor_that_slept_goes_on_as_one_that_was_awake(library, model, seed):
    """Wherever it is saved: in a warm-up, while that is judged bit by bit, and behind it."""
    tape = list(tape_of(seed, 260))
    awake = CMonitor(library, model).play(tape)
    slept = Slept(library, model, np.random.default_rng(seed), 0.3).play(tape)
    assert slept.slept > 50 and len(awake.first) == 260
    for told in ("first", "last", "episodes", "alarms"):
        assert getattr(slept, told) == getattr(awake, told)


@pytest.fixture
def monitor(library, model):
    return Slept(library, model, np.random.default_rng(0), 0.0).play(list(tape_of(5, 90))[:-1])


def changed(image, **fields):
    header = dict(zip(("mark", "version", "model", "bytes", "crc"), HEADER.unpack(image[:20]), strict=True))
    return HEADER.pack(*(header | fields).values()) + image[20:]


def test_an_image_that_is_not_its_own_changes_nothing(monitor):
    image = monitor.save()
    _, version, crc_of_model, size, _ = HEADER.unpack(image[:20])
    assert size == len(image)
    others = {
        NONE: [b"", image[:19], image[:-1], changed(image, mark=0), bytes(len(image))],
        OTHER_VERSION: [changed(image, version=version + 1), changed(image, version=0)],
        OTHER_MODEL: [changed(image, model=crc_of_model ^ 1)],
        OTHER_SIZE: [changed(image, bytes=size - 4), changed(image, bytes=size + 4), changed(image, bytes=0)],
    }
    monitor.play(list(tape_of(6, 30))[:-1])
    state = bytes(monitor._state)
    for error, images in others.items():
        for other in images:
            assert monitor.restore(other) == error
            assert bytes(monitor._state) == state
    assert monitor.restore(image) == RESTORED and bytes(monitor._state) != state


def test_each_flipped_bit_is_found(monitor):
    image = bytearray(monitor.save())
    state, draws = bytes(monitor._state), np.random.default_rng(1)
    for place in [*range(20), *draws.integers(20, len(image), 60)]:
        image[place] ^= 1 << draws.integers(8)
        assert monitor.restore(bytes(image)) != RESTORED and bytes(monitor._state) == state
        image = bytearray(monitor.save())


def test_without_room_nothing_is_saved(library, monitor):
    size = library.monitor_image()
    image = ctypes.create_string_buffer(bytes(size), size)
    assert library.sibeat_monitor_save(monitor._state, image, ctypes.c_size_t(size - 1)) == 0
    assert image.raw == bytes(size)
