"""The whole recording to page through: its trace and beats within the page, and the script that draws."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

import numpy as np

from sibeat_edge.report.paper import strip_square
from sibeat_edge.report.scored import Scored
from sibeat_edge.scorer import Beat

SCRIPT = Path(__file__).with_name("viewer.js")
KINDS = {"S": 1, "V": 2}  # of an alarm; as the script numbers them
NORMAL, ALARM, LOST, DOUBTED = 0, 3, 4, 5
FINDS = {"S": "supraventricular beats", "V": "ventricular beats", "not scored": "beats not scored"}
EPISODES = 3000  # that the page holds; of more the first


def script() -> str:
    """The script of the page."""
    return SCRIPT.read_text(encoding="utf-8")


def script_hash() -> str:
    """What a page's security policy knows the script by: no other script in it runs."""
    digest = hashlib.sha256(script().encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def day_section(scored: Scored) -> str:
    """The section, or nothing if the recording was scored without a trace."""
    if scored.trace is None:
        return ""
    data = json.dumps(_data(scored), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return (
        '<section id="day" class="screen"><h2>The whole recording</h2>\n'
        '<p class="needs">To page through it needs a browser of 2023 or later, with scripts.</p>\n'
        '<canvas id="overview" role="img" aria-label="heart rate and alarms over the recording"></canvas>\n'
        f'<div class="controls"><button data-do="previous">◂ previous</button><select id="wanted" '
        f'aria-label="what to look for">{_choices(scored)}</select><button data-do="next">next ▸</button>'
        '<button data-do="back" aria-label="a page back">◀</button>'
        '<button data-do="on" aria-label="a page on">▶</button>'
        '<button data-do="out" aria-label="show more">−</button>'
        '<button data-do="in" aria-label="show less, larger">+</button>'
        '<button data-do="paper">25 mm/s</button><output id="where"></output></div>\n'
        '<canvas id="strip" class="paper" tabindex="0" role="img" aria-label="electrocardiogram"></canvas>\n'
        f'<p class="caption">Lead {escape(scored.leads[0])}, thinned to {scored.trace.rate:g} samples a '
        "second. Above: the heart rate (most of the beats), the alarms below it, what was not scored in "
        "grey. Drag, or use the arrow keys; + and − zoom, n and p find the next and the previous. "
        "V and S: alarms; dot: normal; ×: not scored.</p>\n"
        f'<script type="application/json" id="recording">{data}</script>\n'
        f"<script>{script()}</script></section>"
    )


def _choices(scored):
    """What can be looked for: any alarm, each kind of beat and each sort of episode that there is."""
    kinds = {_kind(beat) for beat in scored.beats}
    sorts = dict.fromkeys(episode.what for episode in scored.episodes)
    numbers = {**KINDS, "not scored": LOST}
    found = {"beat:any": "any alarm"} if scored.alarms else {}
    found |= {f"beat:{name}": words for name, words in FINDS.items() if numbers[name] in kinds}
    found |= {what: f"episodes: {what}" for what in sorts}
    return "".join(f'<option value="{escape(key)}">{escape(told)}</option>' for key, told in found.items())


def _data(scored):
    times = np.rint([100 * beat.time for beat in scored.beats]).astype("<i4")
    kinds = np.array([_kind(beat) for beat in scored.beats], np.uint8)
    square = strip_square(scored.strip, _shown(scored))
    assert scored.trace is not None
    return {
        "seconds": scored.seconds,
        "square": square,
        "clock": scored.start and scored.start.clock,
        "first": max(0.0, scored.strip.time),
        "trace": vars(scored.trace.pack(square)),
        "beats": {"times": _packed(np.diff(times, prepend=np.int32(0))), "kinds": _packed(kinds)},
        "lost": list(stretches(scored.reasons)),
        "episodes": [[e.what, round(e.start, 2)] for e in scored.episodes[:EPISODES]],
    }


def _shown(scored):
    first, last = scored.strip.time, scored.strip.time + len(scored.strip.samples) / scored.strip.rate
    return [beat for beat in scored.beats if first <= beat.time < last]


def _kind(beat: Beat) -> int:
    if beat.score is None:
        return LOST
    if beat.alarm:
        return KINDS.get(beat.kind, ALARM)
    return DOUBTED if beat.doubted else NORMAL


def stretches(reasons: np.ndarray) -> Iterator[tuple[int, int, str]]:
    """The first and the end second, and the reason, of each stretch that was not scored.

    >>> list(stretches(np.array(["", "flat", "flat", "noisy"], dtype=object)))
    [(1, 3, 'flat'), (3, 4, 'noisy')]
    """
    place = 0
    for reason, those in groupby(reasons.tolist()):
        size = len(list(those))
        if reason:
            yield place, place + size, reason
        place += size


def _packed(numbers):
    return base64.b64encode(zlib.compress(numbers.tobytes(), 6)).decode("ascii")
