"""The manifest: all that a scorer needs to know of an int8 model, checked before it is used.

It is stored inside the ``.tflite`` file, and the same JSON lies beside it. It holds the band and order of the
filter rather than its taps: ``band_pass_taps`` computes them, and a checksum confirms that they are the taps
that the model was trained with.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from reprlib import repr as shortened
from typing import Any, TypeAlias

import numpy as np

from sibeat_edge.beats import alignment, rhythm, template
from sibeat_edge.errors import ModelError
from sibeat_edge.model.container import checksum, find_manifest
from sibeat_edge.signal.filters import band_pass_taps
from sibeat_edge.signal.resampling import RATE

FORMAT = 4
MIN_MAX = "each lead of a window to [-1, 1] by its own extremes"
BESIDE = "the beat and the wearer's template, each lead to [-1, 1] by the template's extremes"
LONGEST = 10 * RATE  # samples on one side of a window, or the filter's order: no beat needs more
QUANTILES = 33  # numbers in each list of the calibration at most: the file must stay small
# Test figures of a model whose manifest states none, as one of format 2.
UNKNOWN = {"auc": None, "ap": None, "auc_record": None, "on": "unknown", "false_alarms_per_hour": None}

Manifest: TypeAlias = dict[str, Any]
Check: TypeAlias = tuple[Callable[[Any], bool], str]  # whether a value is right, and what was expected


def _number(value):
    """Whether the value is a finite number that a float can hold."""
    return isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _whole(least, most):
    def check(value):
        return isinstance(value, Integral) and not isinstance(value, bool) and least <= value <= most

    return check, f"a whole number, {least} to {most}"


def _only(known):
    return lambda value: not isinstance(value, bool) and value == known, repr(known)


def _list_of(check, what):
    def check_all(value):
        return isinstance(value, list) and 0 < len(value) <= QUANTILES and all(map(check, value))

    return check_all, f"1 to {QUANTILES} {what}"


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check[0](value), f"{check[1]}, or null"


TEXT: Check = (lambda value: isinstance(value, str) and value != "", "a text")
NUMBER: Check = (_number, "a finite number")
COUNT_PER_HOUR: Check = (lambda value: _number(value) and value >= 0, "a number from 0 on")
POSITIVE: Check = (lambda value: _number(value) and value > 0, "a number above 0")
SHARE: Check = (lambda value: _number(value) and 0 <= value <= 1, "a number from 0 to 1")
DIGEST: Check = (
    lambda value: isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef"),
    "a SHA-256 in hexadecimal",
)
BOOLEAN: Check = (lambda value: isinstance(value, bool), "true or false")
QUANTISATION = {"scale": POSITIVE, "zero_point": _whole(-128, 127)}
# The package's code defines the template, its alignment and the rhythm. Equal constants show that a model was
# trained with the same definition.
WEARER = {
    "warm_up": template.WARM_UP,
    "memory": template.MEMORY,
    "bound": template.BOUND,
    "alike": template.ALIKE,
    "similar": template.SIMILAR,
    "kind": template.KIND,
    "rival": template.RIVAL,
    "few": template.FEW,
    "later": template.LATER,
    "prolonged": template.PROLONGED,
    "patience": template.PATIENCE,
    "unlike": template.UNLIKE,
    "gain": template.GAIN,
    "steady": template.STEADY,
    "core_before": alignment.CORE_BEFORE,
    "core_after": alignment.CORE_AFTER,
    "reach": alignment.REACH,
    "near": alignment.NEAR,
    "same": alignment.SAME,
    "features": list(rhythm.FEATURES),
    "history": rhythm.HISTORY,
    "fewest": rhythm.FEWEST,
    "shortest": rhythm.SHORTEST,
    "longest": rhythm.LONGEST,
}
# A part is a ``Check``, an object of parts, or (object, None) for an object that may be null.
SCHEMA: dict[str, Any] = {
    "format": _only(FORMAT),
    "name": TEXT,
    "model_sha256": DIGEST,
    "signal": {
        "rate": _only(RATE),
        "leads": _list_of(TEXT[0], "names of leads"),
        "band": (
            lambda v: isinstance(v, list) and len(v) == 2 and all(map(_number, v)) and 0 < v[0] < v[1],
            "low and high in Hz",
        ),
        "order": _whole(2, LONGEST),
        "taps_sha256": DIGEST,
    },
    "window": {"before": _whole(1, LONGEST), "after": _whole(1, LONGEST)},
    "normalisation": (lambda value: value in (MIN_MAX, BESIDE), f"{MIN_MAX!r} or {BESIDE!r}"),
    "wearer": (  # null: the model judges a beat alone
        {**{key: _only(value) for key, value in WEARER.items()}, "waits": BOOLEAN, "rhythm": QUANTISATION},
        None,
    ),
    "input": QUANTISATION,
    "score": QUANTISATION,
    "residuals": (QUANTISATION, None),  # null: the model has no such output
    "threshold": {"score": NUMBER, "usual": NUMBER, "false_alarms_per_hour": POSITIVE},
    "calibration": {
        "shares": _list_of(lambda value: SHARE[0](value) and value < 1, "shares from 0 to below 1"),
        "scores": _list_of(_number, "numbers"),
        "usual": _list_of(_number, "numbers"),
        "beats_per_hour": POSITIVE,
    },
    "expected": {  # test figures, as the model card has them
        "auc": _or_null(SHARE),
        "ap": _or_null(SHARE),
        "auc_record": _or_null(SHARE),  # mean AUC within a recording
        "on": TEXT,  # which recordings the figures were measured on
        "false_alarms_per_hour": (
            {"mean": COUNT_PER_HOUR, "median": COUNT_PER_HOUR, "worst": COUNT_PER_HOUR},
            None,
        ),
    },
    "validation": {"auc": _or_null(SHARE), "ap": _or_null(SHARE)},  # null: no validation beat is abnormal
    "data_sha256": DIGEST,
    "config_sha256": DIGEST,
    "licence": TEXT,
    "notice": TEXT,
}


def check_manifest(values: Any) -> Manifest:
    """Return ``values`` unchanged; raise ``ModelError`` where a field is missing, unknown or out of range."""
    _check(values, SCHEMA, "manifest")
    signal, calibration = values["signal"], values["calibration"]
    if (values["normalisation"] == BESIDE) != (values["wearer"] is not None):
        raise ModelError(
            f"manifest: found the normalisation {values['normalisation']!r} and wearer "
            f"{shortened(values['wearer'])}, expected the template's with a wearer, and with nothing else"
        )
    try:
        taps = taps_digest(signal["band"], signal["order"])
    except ValueError as error:
        raise ModelError(f"manifest: signal: {str(error).rstrip('.')}") from error
    if taps != signal["taps_sha256"]:
        raise ModelError(
            f"manifest: found taps of SHA-256 {signal['taps_sha256'][:12]}…, expected {taps[:12]}…"
        )
    shares, scores = calibration["shares"], calibration["scores"]
    lengths = {len(shares), len(scores), len(calibration["usual"])}
    if len(lengths) > 1 or sorted(shares) != shares or sorted(scores) != scores:
        raise ModelError(
            "manifest: found a calibration that does not rise or lacks numbers, "
            "expected as many scores and usual ones as shares, in order"
        )
    return values


def _check(value, schema, name):
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            raise ModelError(f"{name}: found {shortened(value)}, expected an object")
        unknown, missing = sorted(set(value) - set(schema)), sorted(set(schema) - set(value))
        if unknown or missing:
            told = f"the unknown field {shortened(unknown[0])}" if unknown else f"no field {missing[0]}"
            raise ModelError(f"{name}: found {told}, expected {', '.join(schema)}")
        for key, part in schema.items():
            _check(value[key], part, f"{name}: {key}")
    elif isinstance(schema[0], dict):  # or nothing
        if value is not None:
            _check(value, schema[0], name)
    elif not schema[0](value):
        raise ModelError(f"{name}: found {shortened(value)}, expected {schema[1]}")


def taps_digest(band: Sequence[float], order: int) -> str:
    """SHA-256 of the band-pass's taps, in hexadecimal.

    The taps are rounded to seven decimals and single precision, as platforms differ in the last bits.
    """
    taps = np.round(band_pass_taps((band[0], band[1]), order), 7).astype("<f4") + np.float32(0)
    return hashlib.sha256(taps.tobytes()).hexdigest()


def read_manifest(content: bytes | bytearray) -> Manifest:
    """The checked manifest inside a ``.tflite`` file's bytes, in the shape of ``FORMAT``.

    Raises ``ModelError`` for a file that is corrupt, has no manifest or an invalid one, or is not the model
    that its manifest was made for.
    """
    first, last = find_manifest(content)
    try:
        values = json.loads(bytes(content[first:last]).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"manifest: found no JSON ({error}), expected an object") from error
    values = check_manifest(upgraded(values))
    found = checksum(content)
    if found != values["model_sha256"]:
        raise ModelError(
            f"found a model of SHA-256 {found[:12]}…, "
            f"expected {values['model_sha256'][:12]}… as its manifest says"
        )
    return values


def upgraded(values: Any) -> Any:
    """A manifest of an earlier format in the shape of the current one, anything else as it is.

    What format 2 calls ``expected`` are validation figures; it states no test figures. Format 3 is that of
    format 4; only the definition of a wearer's template is another, which the check refuses.
    """
    if not isinstance(values, dict):
        return values
    if _only(2)[0](values.get("format")) and "expected" in values and "validation" not in values:
        values = {**values, "format": 3, "expected": UNKNOWN.copy(), "validation": values["expected"]}
    return {**values, "format": FORMAT} if _only(3)[0](values.get("format")) else values
