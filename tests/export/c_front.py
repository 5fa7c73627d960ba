"""The bundle's stages before the judgement in C, each run over a whole signal, by the shipped filters."""

import ctypes

import numpy as np
from c_monitor import GENERATED
from compilers import STATIC, STRICT, compile_with

STAGES = ("contact", "fill", "resample", "slow", "rpeaks", "newest")
DRIVER = """
#include <stddef.h>
#include "sibeat_contact.h"
#include "sibeat_fill.h"
#include "sibeat_resample.h"
#include "sibeat_rpeaks.h"
#include "sibeat_slow.h"
int spans;
void run_contact(const float *samples, uint32_t count, uint32_t rate, int bridged, uint8_t *flags)
{
    static sibeat_contact contact;
    sibeat_contact_start(&contact, rate, bridged);
    for (uint32_t k = 0; k < count; k++)
        sibeat_contact_push(&contact, samples[k], 0);
    sibeat_contact_finish(&contact);
    for (uint32_t k = 0; k < count; k++)
        flags[k] = (uint8_t)sibeat_contact_worst(&contact, k, k + 1);
    spans = contact.span_count;
}
uint32_t run_fill(const float *samples, uint32_t count, int longest, float *filled)
{
    static sibeat_fill fill;
    uint32_t made = 0;
    sibeat_fill_start(&fill, longest);
    for (uint32_t k = 0; k <= count; k++) {
        if (k < count)
            sibeat_fill_push(&fill, samples + k);
        else
            sibeat_fill_finish(&fill);
        while (sibeat_fill_take(&fill, filled + made))
            made++;
    }
    return made;
}
uint32_t run_resampler(const float *samples, uint32_t count, uint32_t rate, uint32_t total, float *even)
{
    static sibeat_resampler resampler;
    uint32_t made = 0;
    sibeat_resampler_start(&resampler, sibeat_rate_of(rate));
    for (uint32_t k = 0; made < total; k++) {
        sibeat_resampler_push(&resampler, samples[k < count ? k : count - 1] - samples[0]);
        while (made < total && sibeat_resampler_take(&resampler, even + made))
            even[made++] += samples[0];
    }
    return made;
}
static void put_filtered(const sibeat_slow *slow, sibeat_ring *ring)
{
    if (slow->made >= SIBEAT_WINDOW_HALF)
        sibeat_ring_push(ring, sibeat_slow_filtered(slow, sibeat_window_taps, SIBEAT_WINDOW_HALF));
}
#define BLOCK 100
void run_window(const float *samples, uint32_t count, uint32_t behind, float *filtered)
{
    static sibeat_slow slow;
    static sibeat_ring ring;
    uint32_t read = 0;
    ring = (sibeat_ring){.count = 0};
    sibeat_slow_start(&slow);
    for (uint32_t k = 0; sibeat_ring_end(&ring) < count; k++) {
        if (sibeat_slow_push(&slow, samples[k < count ? k : count - 1] - samples[0]))
            put_filtered(&slow, &ring);
        for (; read + behind + BLOCK <= sibeat_ring_end(&ring) && read + BLOCK <= count; read += BLOCK)
            sibeat_ring_read(&ring, read, BLOCK, filtered + read, 1);
    }
    sibeat_ring_read(&ring, read, (int)(count - read), filtered + read, 1);
    for (uint32_t k = 0; k < count; k++)
        filtered[k] += samples[0] * SIBEAT_WINDOW_OFFSET;
}
struct peaks { uint32_t *peaks, *when; uint32_t count, now; };
static void found(void *context, uint32_t peak)
{
    struct peaks *all = context;
    all->peaks[all->count] = peak;
    all->when[all->count++] = all->now;
}
uint32_t run_rpeaks(const float *lead, uint32_t count, int is_sensitive, uint32_t *peaks, uint32_t *when)
{
    static sibeat_rpeaks rpeaks;
    struct peaks all = {peaks, when, 0, 0};
    sibeat_rpeaks_start(&rpeaks, is_sensitive, found, &all);
    for (; all.now < count; all.now++)
        sibeat_rpeaks_push(&rpeaks, lead[all.now]);
    sibeat_rpeaks_finish(&rpeaks);
    return all.count;
}
"""


class Front:
    """The stages, compiled in an empty folder with the filters that lie in the folder ``generated``."""

    def __init__(self, folder, generated=GENERATED):
        (folder / "driver.c").write_text(DRIVER)
        sources = [STATIC / f"sibeat_{name}.c" for name in STAGES] + [generated / "sibeat_filters.c"]
        flags = [*STRICT, "-O2", "-fPIC", "-shared", "-I", STATIC, "-I", generated, "-I", GENERATED]
        compile_with("gcc", *flags, *sources, "driver.c", "-lm", "-o", "front.so", cwd=folder)
        self._library = ctypes.CDLL(str(folder / "front.so"))

    def contact(self, samples, rate, bridged):
        """Flags ``(samples,)``, and how many spans they are kept as."""
        samples, flags = np.float32(samples), np.zeros(len(samples), np.uint8)
        self._run("contact", samples, rate, bridged, flags)
        return flags, ctypes.c_int.in_dll(self._library, "spans").value

    def fill(self, samples, longest):
        """Samples without gaps."""
        samples, filled = np.float32(samples), np.zeros(len(samples), np.float32)
        assert self._run("fill", samples, longest, filled) == len(samples)
        return filled

    def resample(self, samples, rate, total):
        """So many samples at 360 Hz."""
        samples, even = np.float32(samples), np.zeros(total, np.float32)
        self._run("resampler", samples, rate, total, even)
        return even

    def window(self, samples, behind=0):
        """The band-pass of the windows, read when so many samples behind, of 20 s at most, are there."""
        samples, filtered = np.float32(samples), np.zeros(len(samples), np.float32)
        self._run("window", samples, behind, filtered)
        return filtered

    def rpeaks(self, lead, is_sensitive=False):
        """R-peaks, each with the sample that has made it certain, as ``RPeakDetector.track``."""
        lead, peaks = np.float32(lead), np.zeros((2, len(lead)), np.uint32)
        count = self._run("rpeaks", lead, int(is_sensitive), peaks[0], peaks[1])
        return list(zip(peaks[0, :count].tolist(), peaks[1, :count].tolist(), strict=True))

    def _run(self, stage, samples, *arguments):
        given = [a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else a for a in arguments]
        pointer = np.ascontiguousarray(samples).ctypes.data_as(ctypes.c_void_p)
        return getattr(self._library, f"run_{stage}")(pointer, len(samples), *given)
