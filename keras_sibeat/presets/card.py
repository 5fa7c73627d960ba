"""The model card of a preset, and the test figures that go with a model to the device."""

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from keras_sibeat.config import Config
from keras_sibeat.data.mitbih import DS2
from keras_sibeat.presets.loading import FOLDER, describe_preset
from sibeat_edge.beats.rhythm import FEATURES

CARD = Path(__file__).parent / "CARD.txt"
# What is said of the figures that there are.
MEASURED = (
    "AUC {auc:.4f}, average precision {ap:.4f}; its teacher {teacher_auc:.4f} / {teacher_ap:.4f}",
    "mean AUC within a record {auc_record:.4f}, its teacher {teacher_auc_record:.4f}",
    "95 % intervals over wearers: AUC {auc_low:.3f} to {auc_high:.3f}, average precision {ap_low:.3f} to "
    "{ap_high:.3f}",
)
OF_DATABASE = ("{name}: AUC {auc:.4f}, average precision {ap:.4f}", "within a record {auc_record:.4f}")
UNMEASURED = "none but false alarms, as no test beat is abnormal"
MITDB = (
    "MIT-BIH Arrhythmia Database (Moody and Mark 2001; Goldberger et al. 2000), Open Data Commons\n"
    "Attribution License 1.0"
)
RECORDED = (
    "MIT-BIH recorded 43 people (44 half-hour records) some fifty years ago, with gel electrodes. None of\n"
    "them is paced."
)
BEAT_LIMITS = (
    "The test beats are of wearers that it was also trained on. On a new wearer it scores worse, and its\n"
    "false alarms there are not known. It judges the shape of one beat and knows no rhythm."
)
WEARER_LIMITS = (
    "The figures hold for annotated R-peaks; with detected ones they are lower. It needs a minute of a\n"
    "wearer's beats, most of them normal. A wearer who is abnormal from the start is taken for normal.\n"
    "Of atrial fibrillation it knows only that the rhythm is irregular: it judges beats, not rhythms.\n"
    "Few of the test wearers have most of the abnormal beats."
)


# Of a wearer's model; an alarm is what the device's judgement calls abnormal.
BEFORE_JUDGEMENT = "normal beats of new wearers above the threshold, an hour, before the device's judgement"


def expected(config: Config, metrics: Mapping[str, Any], is_mitbih: bool | None = None) -> dict[str, Any]:
    """What a user may expect of a model, from the test ``metrics`` of a run's part or of a preset.

    ``is_mitbih`` says whether the test beats are MIT-BIH's; if None, whether the lead has its name.

    Returns ``auc``, ``ap`` and ``auc_record``, the mean AUC within a record, each None where it was not
    measured; ``on``, the beats that they were measured on; and ``false_alarms_per_hour``: ``mean``,
    ``median`` and ``worst`` over new wearers, or None where that is not known. Of a wearer's model they are
    the normal beats that score above each wearer's own threshold, as the device sets it. The device judges
    them further, by their kind and the rhythm: what it then calls abnormal, ``evaluate.ec57`` counts.

    >>> expected(Config(), {"auc": 0.99, "ap": 0.98})["on"]
    'beats of the wearers it was trained on (simulated, random split)'
    """
    name = ("own_" if config.wearer else "") + "false_alarms_per_hour"
    rates = {
        "mean": metrics.get(name),
        "median": metrics.get(f"{name}_median"),
        "worst": metrics.get(f"{name}_worst"),
    }
    is_known = config.protocol.is_of_wearers and None not in rates.values()
    return {
        **{key: metrics.get(key) for key in ("auc", "ap", "auc_record")},
        "on": _tested_on(config, is_mitbih),
        "false_alarms_per_hour": rates if is_known else None,
    }


def expected_of(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """``expected`` of the preset ``name``. Raises ``ConfigError`` for a name that no preset has."""
    about = describe_preset(name, folder)
    return expected(Config.model_validate(about["config"]), about["metrics"])


def _is_mitbih(config):
    """Of the databases that presets are made of, only MIT-BIH has a lead of this name."""
    data = config.data
    return "mitdb" in data.sources or (data.source == "wfdb" and data.leads == ("MLII",))


def _tested_on(config, is_mitbih):
    if is_mitbih is None:
        is_mitbih = _is_mitbih(config)
    database = "MIT-BIH" if is_mitbih else "simulated" if config.data.source == "simulator" else ""
    if not config.protocol.is_of_wearers:
        if config.protocol.name == "series":
            return "series it has not seen"
        return f"beats of the wearers it was trained on ({database + ', ' if database else ''}random split)"
    seen = "recordings of wearers it has not seen"
    if config.data.sources:
        tested = ", ".join(name for name, source in config.data.sources.items() if source.tests)
        return f"{seen} ({tested})"
    named = config.protocol.test_records
    if config.protocol.name == "inter_patient" and is_mitbih and not named:
        return f"{len(DS2)} {seen} (MIT-BIH DS2)"
    return (f"{len(named)} " if named else "") + seen + (f" ({database})" if database else "")


def render_card(about: Mapping[str, Any]) -> str:
    """The card's text, Markdown, of what ``describe_preset`` returns."""
    config, metrics = Config.model_validate(about["config"]), about["metrics"]
    classes = [key for key in sorted(metrics) if key.removeprefix("auc_") in {"N", "S", "V", "F", "Q"}]
    measured = _told(MEASURED, metrics) + [
        ", ".join(_told(OF_DATABASE, _of_database(metrics, name))) for name in config.data.sources
    ]
    known = expected(config, metrics)
    return CARD.read_text(encoding="utf-8").format(
        **{key: about[key] for key in ("name", "part", "data_sha256", "command", "commit")},
        measured_commit=about.get("measured_commit", about["commit"]),
        on=known["on"],
        databases=_databases(config),
        licences=_licences(config),
        measured="; ".join(filter(None, measured)) or UNMEASURED,
        alarms=BEFORE_JUDGEMENT if config.wearer else "false alarms an hour on new wearers",
        false_alarms=_describe_false_alarms(config, known["false_alarms_per_hour"]),
        threshold=metrics["threshold"],
        parameters=f"{about['model']['parameters']:,}",
        multiply_adds=f"{about['model']['multiply_adds']:,}",
        kilobytes=about["model"]["bytes"] / 1000,
        classes=", ".join(f"{key.removeprefix('auc_')} {metrics[key]:.4f}" for key in classes) or "none",
        input=_describe_input(config),
        output=_describe_output(config.student),
        limits=_limits(config),
        protocol=config.protocol.name,
        width=config.model.width,
        rate=config.evaluate.false_alarm_rate,
    )


def _told(texts, metrics):
    """Those of the ``texts`` whose figures are all among the ``metrics``, with these in their places."""
    return [
        text.format(**metrics)
        for text in texts
        if all(field in metrics for _, field, _, _ in Formatter().parse(text) if field)
    ]


def _of_database(metrics, name):
    start = f"{name}_"
    found = {key.removeprefix(start): value for key, value in metrics.items() if key.startswith(start)}
    return {"name": name, **found}


def _databases(config):
    """The databases whose normal beats train, in words."""
    trained = [name for name, source in config.data.sources.items() if source.trains]
    if trained:
        return ", ".join(trained)
    if config.data.source == "simulator":
        return "simulated wearers"
    return "the MIT-BIH Arrhythmia Database" if _is_mitbih(config) else "recordings of one's own"


def _licences(config):
    named = [f"{name}: {source.licence or 'not stated'}" for name, source in config.data.sources.items()]
    if named:
        return "; ".join(named)
    if config.data.source == "simulator":
        return "simulated, no recording"
    return MITDB if _is_mitbih(config) else "not stated"


def _limits(config):
    limits = WEARER_LIMITS if config.wearer else BEAT_LIMITS
    return f"{limits}\n{RECORDED}" if _is_mitbih(config) else limits


def _describe_false_alarms(config, rates):
    if rates is None:
        return "not known"
    threshold = "each wearer's own threshold" if config.wearer else "the threshold"
    return (
        f"{rates['median']:.0f} for the median wearer, {rates['worst']:.0f} for the worst, "
        f"{rates['mean']:.0f} on average, at {threshold}"
    )


def _describe_output(student):
    beyond = "; above, its logarithm goes on" if student.tail == "log" else "; above, it means no more"
    return (
        f"`(beats, 1)`, about −log(p) up to {student.cap:g}, p being the share of normal beats that score "
        f"higher{beyond}"
    )


def _describe_input(config):
    window, leads = config.window, config.data.leads
    count, lead = config.data.lead_count or "leads", leads if isinstance(leads, str) else ", ".join(leads)
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
