"""Heartbeat signal processing for wearables: the one definition of what training and device compute.

The public names are imported when they are first used.
"""

import sys

from sibeat_edge.imports import Moved, names_when_used

__version__ = "0.2.0"

_HOMES = {
    "AlarmPolicy": "sibeat_edge.beats.episodes",
    "Beat": "sibeat_edge.beats.beat",
    "BeatScorer": "sibeat_edge.scorer",
    "Episode": "sibeat_edge.beats.episodes",
    "Episodes": "sibeat_edge.beats.episodes",
    "EdgeError": "sibeat_edge.errors",
    "Model": "sibeat_edge.model.runtime",
    "ModelError": "sibeat_edge.errors",
    "RecordError": "sibeat_edge.errors",
    "episodes_of": "sibeat_edge.beats.episodes",
    "read_record": "sibeat_edge.reading.record",
    "score_file": "sibeat_edge.report.recording",
    "score_recording": "sibeat_edge.scorer",
    "write_report": "sibeat_edge.report.page",
}
_MOVED = {  # former names of modules that programs outside of this package import
    "sibeat_edge.recording": "sibeat_edge.report.recording",
    "sibeat_edge.rpeaks": "sibeat_edge.signal.rpeaks",
    "sibeat_edge.runtime": "sibeat_edge.model.runtime",
    "sibeat_edge.wearer": "sibeat_edge.beats.wearer",
    "sibeat_edge.windows": "sibeat_edge.beats.windows",
}

__all__ = sorted(_HOMES)
__getattr__, __dir__ = names_when_used(__name__, _HOMES)
sys.meta_path.append(Moved(_MOVED))
