/* SPDX-License-Identifier: MIT */
/*
 * What these files ask of the compiler's floats. NAN stands for what is not known, and samples that are no numbers are
 * looked for: a compiler that takes every float for a number removes both. Then one such sample spoils all outputs of
 * the band-pass that see it, and an unknown interval counts as a known one.
 */
#ifndef SIBEAT_FLOATS_H
#define SIBEAT_FLOATS_H

#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "sibeat: found -ffast-math or -ffinite-math-only; expected NaN to be kept, as by -fno-finite-math-only behind it"
#endif

#endif
