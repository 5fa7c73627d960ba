"""keras_sibeat: teaches a wearable to notice an abnormal heartbeat, from normal beats alone.

The public names are imported when they are first used. The Keras classes register themselves with Keras as
soon as both packages are imported, in either order, so that saved models load under ``safe_mode=True``.
"""

import contextlib
import importlib
import sys

from sibeat_edge.imports import AfterImport, Moved, names_when_used

__version__ = "0.2.0"

_HOMES = {
    "keras_sibeat.layers.imagined": ("ImaginedWearers",),
    "keras_sibeat.layers.shifts": ("Shifts",),
    "keras_sibeat.layers.views": ("TimeWarp", "Views"),
    "keras_sibeat.losses": ("AttentionTransfer", "NTXent", "SoftTargets", "nt_xent"),
    "keras_sibeat.models.beatgan": ("BeatGAN",),
    "keras_sibeat.models.contrastive": ("ContrastiveBeatGAN",),
    "keras_sibeat.models.distiller": ("Distiller", "as_teacher"),
    "keras_sibeat.models.frskd": ("SelfTeacher", "bifpn", "trunk_maps"),
    "keras_sibeat.models.networks": (
        "conv_discriminator",
        "conv_generator",
        "dense_discriminator",
        "dense_generator",
    ),
    "keras_sibeat.models.saving": ("save_portable",),
    "keras_sibeat.models.sibeatgan": ("SIBeatGAN",),
    "keras_sibeat.models.scorer": ("build_scorer",),
    "keras_sibeat.models.simclr": ("SimCLR", "contrastive_discriminator"),
    "keras_sibeat.models.student": ("student",),
    "keras_sibeat.optimizers": ("LARS", "scaled_learning_rate", "warmup_cosine"),
    "keras_sibeat.presets.inputs": ("beats",),
    "keras_sibeat.presets.loading": ("list_presets", "load_preset"),
    "keras_sibeat.evaluate.beat_scores": ("score_beats",),
}
_MODULES = {name: f"keras_sibeat.layers.{name}" for name in ("scores", "shifts", "views")}
_COMMANDS = {
    "keras_sibeat.ablate": "keras_sibeat.results.ablate",
    "keras_sibeat.calibration": "keras_sibeat.evaluate.robustness",
    "keras_sibeat.preset": "keras_sibeat.presets",
    "keras_sibeat.probe": "keras_sibeat.evaluate.probe",
    "keras_sibeat.robustness": "keras_sibeat.evaluate.robustness",
}
# Modules that register Keras classes, but for those that training alone needs.
_REGISTERING = (
    *("keras_sibeat.layers.partners", "keras_sibeat.layers.scores", "keras_sibeat.layers.timings"),
    *(home for home in _HOMES if not home.startswith(("keras_sibeat.presets", "keras_sibeat.evaluate"))),
)

__all__ = sorted(["scores", "shifts", "views", *(name for names in _HOMES.values() for name in names)])
__getattr__, __dir__ = names_when_used(
    __name__, {name: home for home, names in _HOMES.items() for name in names}, _MODULES
)


def _register():
    for module in _REGISTERING:
        # On another backend than TensorFlow, what needs TensorFlow says so when it is used.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


sys.meta_path.append(Moved({f"keras_sibeat.{name}": module for name, module in _MODULES.items()}, _COMMANDS))
AfterImport("keras", _register).install()
