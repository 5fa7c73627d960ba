"""A simulated lead in mV whose beats are known, for tests that need no training package."""

import numpy as np

WAVES = [(-0.18, 0.12, 0.025), (-0.03, -0.1, 0.01), (0, 1.1, 0.01), (0.03, -0.2, 0.01), (0.28, 0.3, 0.05)]
WIDE = [(-0.01, 1.4, 0.045), (0.09, -0.5, 0.05), (0.33, -0.35, 0.06)]  # a ventricular beat


def ecg(seconds, rate=250, pulse=72, ectopic=()):
    """``(samples,)``: a beat each 60 / ``pulse`` s from 0.5 s on; the ``ectopic`` ones are wide and early."""
    time = np.arange(round(seconds * rate)) / rate
    signal = 0.004 * np.random.default_rng(0).standard_normal(len(time))
    for number, peak in enumerate(np.arange(0.5, seconds - 0.5, 60 / pulse)):
        is_wide = number in ectopic
        for place, height, width in WIDE if is_wide else WAVES:
            signal += height * np.exp(-0.5 * np.square((time - peak - place + 0.25 * is_wide) / width))
    return signal
