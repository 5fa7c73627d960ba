"""The model card of a preset, from what describes it."""

from pathlib import Path

from keras_sibeat.config import Config
from sibeat_edge.beats.rhythm import FEATURES

CARD = Path(__file__).parent / "CARD.txt"
MEASURED = "AUC {auc:.4f}, average precision {ap:.4f}; its teacher {teacher_auc:.4f} / {teacher_ap:.4f}"
MEASURED_ON_WEARERS = (
    "; mean AUC within a record {auc_record:.4f}, its teacher {teacher_auc_record:.4f}; 95 % intervals over "
    "wearers: AUC {auc_low:.3f} to {auc_high:.3f}, average precision {ap_low:.3f} to {ap_high:.3f}"
)
RECORDED = "43 people (44 half-hour records), with gel electrodes, half a century ago; none of them paced"
BEAT_LIMITS = (
    "The protocol shuffles the beats of all wearers, so beats of every test wearer were trained on: on\n"
    f"a wearer never seen it scores less. {RECORDED};\n"
    "it judges one beat's shape and knows no rhythm."
)
WEARER_LIMITS = (
    "The figures are of annotated R-peaks; with detected ones they are lower. It needs a minute of a\n"
    "wearer's beats, most of them normal: who has been abnormal from the first beat on is taken for normal.\n"
    "Of atrial fibrillation it knows only that the rhythm is irregular: it judges beats, not rhythms.\n"
    f"Few of the wearers that it was tested on hold most of the abnormal beats.\n{RECORDED}."
)


def render_card(about):
    """The card's text, Markdown, of what ``describe_preset`` returns."""
    config, metrics = Config.model_validate(about["config"]), about["metrics"]
    classes = [key for key in sorted(metrics) if key.removeprefix("auc_") in {"N", "S", "V", "F", "Q"}]
    measured = MEASURED + (MEASURED_ON_WEARERS if config.protocol.is_of_wearers else "")
    return CARD.read_text(encoding="utf-8").format(
        **{key: about[key] for key in ("name", "part", "data_sha256", "command", "commit")},
        measured=measured.format(**metrics),
        threshold=metrics["threshold"],
        parameters=f"{about['model']['parameters']:,}",
        multiply_adds=f"{about['model']['multiply_adds']:,}",
        kilobytes=about["model"]["bytes"] / 1000,
        classes=", ".join(f"{key.removeprefix('auc_')} {metrics[key]:.4f}" for key in classes),
        input=_describe_input(config),
        output=_describe_output(config.student),
        limits=WEARER_LIMITS if config.wearer else BEAT_LIMITS,
        protocol=config.protocol.name,
        width=config.model.width,
        rate=config.evaluate.false_alarm_rate,
    )


def _describe_output(student):
    beyond = "; above, its logarithm goes on" if student.tail == "log" else "; above, it means no more"
    return (
        f"`(beats, 1)`, about −log(p) up to {student.cap:g}, p being the share of normal beats that score "
        f"higher{beyond}"
    )


def _describe_input(config):
    window, leads = config.window, config.data.leads
    count, lead = ("leads", "all") if leads == "all" else (len(leads), ", ".join(leads))
    around = (
        f"{window.before} samples before the R-peak and {window.after} from it on, at 360 Hz, "
        f"{window.band[0]}–{window.band[1]} Hz, scaled to [-1, 1]"
    )
    if not config.wearer:
        return f"`(beats, {window.length}, {count})`, lead {lead}, {around}"
    return (
        f"`window` `(beats, {window.length}, {2 * count})`, lead {lead} beside the wearer's template, "
        f"{around} by the template; `rhythm` `(beats, {len(FEATURES)})`, logarithms of RR intervals over the "
        "wearer's own"
    )
