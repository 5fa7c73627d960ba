"""The names that a configuration may choose from, readable without TensorFlow."""

VIEW_SETTINGS = {  # view -> what of it may be set
    "time_warp": ("ticks", "centre", "probability"),
    "smooth_time_warp": ("strength", "knots", "centre"),
    "gain": ("strength", "knots"),
    "amplitude": ("strength",),
    "baseline_wander": ("strength", "knots"),
    "noise": ("strength",),
    "recorded_noise": ("snr", "probability"),
    "lead_dropout": ("probability",),
    "rpeak_jitter": ("ticks",),
}
SHIFTS_OF_A_BEAT = (  # need no template
    "strong_time_warp",
    "premature_beat",
    "short_pause",
    "early_next",
    "wide_qrs",
    "paste",
    "bump",
    "fusion",
    "wave_gain",
)
SHIFT_NAMES = (*SHIFTS_OF_A_BEAT, "other_wearer")
SCORES_OF_A_BEAT = ("rebuild", "shift", "mahalanobis", "prototypes")
SCORES = (*SCORES_OF_A_BEAT, "template", "rhythm")  # the last two of windows that hold a template
MEASURE_NAMES = ("quantile", "spread")
TAILS = ("flat", "log")
DISTILLATION_WEIGHTS = {"score": 1.0, "embedding": 0.1, "prototypes": 1.0, "rebuilt": 1.0}
FORMATS = ("int8", "int16x8", "float16", "float32")  # of a .tflite file
ONNX = "onnx"  # of a file of its own
