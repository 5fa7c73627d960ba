"""From a configuration to the folds: simulated, WFDB or series data through one path."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data import physionet, protocols, simulated_wearer, synthetic
from keras_sibeat.data.beats import cache_folder, checksum, load_beats
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.series import load_series
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.files import whole_folder


def simulated_folder(wearers: int, seconds: float, seed: int = 0) -> Path:
    """Folder of ``wearers`` simulated WFDB records of ``seconds`` each, made on first use and then kept."""
    key = checksum([*map(inspect.getsource, (synthetic, simulated_wearer)), wearers, seconds, seed])
    folder = cache_folder() / f"simulated-{key[:16]}"
    if not folder.is_dir():
        with whole_folder(folder) as partial:
            write_simulated(partial, wearers, seconds, seed)
    return folder


def default_folder() -> Path:
    """Where simulated recordings are written unless a folder is named."""
    return cache_folder() / "simulated"


def write_simulated(folder: Path, wearers: int, seconds: float, seed: int = 0) -> None:
    """Write simulated wearers ``s000``, ``s001``, … as WFDB records, with a RECORDS file, into ``folder``."""
    recordings = synthetic.simulate_wearers(wearers, seed, seconds=seconds)
    for recording in recordings:
        write_recording(recording, folder)
    names = [recording.name for recording in recordings]
    (Path(folder) / "RECORDS").write_text("\n".join(names) + "\n")


def records_folder(config: Config) -> Path:
    """The folder of the configured WFDB records: the user's, or that of the simulated wearers."""
    data = config.data
    return data.folder if data.source == "wfdb" else simulated_folder(data.wearers, data.seconds)


def load_fold_beats(config: Config) -> BeatSet:
    """All the beats (or windows) that the configured protocol uses, as one ``BeatSet``."""
    data, window, protocol = config.data, config.window, config.protocol
    if data.source == "series":
        return load_series(data.folder, data.groups, window.length, window.stride)
    if data.sources:
        return _join([_read_source(config, name) for name in data.sources])
    folder = records_folder(config)
    names = physionet.list_records(folder)
    names = protocols.select_records(protocol.name, names, protocol.train_records, protocol.test_records)
    return _read_beats(config, folder, names)


def source_records(config: Config, name: str) -> dict[str, str]:
    """The records of a configured source, and whether each is to ``train``, ``validate`` or ``test``.

    Raises ``DataError`` for a name that fits no record, and ``ConfigError`` for a record with two roles.
    """
    source, folder = config.data.sources[name], source_folder(config, name)
    names = physionet.list_records(folder)
    if source.reference:
        known = set(physionet.labelled_records(folder, source.reference))
        names = [record for record in names if record in known]
    roles: dict[str, str] = {}
    for role, patterns in (("train", source.trains), ("validate", source.validates), ("test", source.tests)):
        for record in protocols.chosen(names, patterns):
            if roles.setdefault(record, role) != role:
                raise ConfigError(
                    f"data.sources.{name}: found record {record} to {roles[record]} and to {role}; "
                    "expected one of them."
                )
    return roles


def source_folder(config: Config, name: str) -> Path:
    """The folder of one of the configured sources, within that of the data."""
    return Path(config.data.folder or ".") / (config.data.sources[name].folder or name)


def _read_source(config, name):
    """The beats of a source, its records named ``source/record``."""
    source, folder, records = (
        config.data.sources[name],
        source_folder(config, name),
        source_records(config, name),
    )
    wanted = replace(Preprocessing.of(config), leads=source.leads, annotator=source.annotator)
    digests = physionet.check_files(folder, records, wanted.annotator)
    beats = load_beats([folder / record for record in records], digests, wanted)
    names = {Path(record).name: f"{name}/{record}" for record in records}
    return replace(beats, records=np.array([names[record] for record in beats.records.tolist()]))


def _join(sets):
    return BeatSet.join(sets, checksum([beats.sha256 for beats in sets]))


def load_unlabelled(config: Config, records: Sequence[str]) -> BeatSet:
    """All beats of the ``records``, normal or not, as one ``BeatSet``; none of them may be tested.

    Raises ``ConfigError`` for a record that the configured protocol trains or tests on, and ``DataError`` for
    one that is not there.
    """
    protocol, folder = config.protocol, records_folder(config)
    names = physionet.list_records(folder)
    used = protocols.select_records(protocol.name, names, protocol.train_records, protocol.test_records)
    for record in records:
        if record in used:
            raise ConfigError(
                f"student.unlabelled: found record {record}, which protocol {protocol.name} uses; "
                "expected records of its own."
            )
        if record not in names:
            raise DataError(f"student.unlabelled: found no record {record} in {folder}; expected it there.")
    return _read_beats(config, folder, records)


def _read_beats(config, folder, names):
    wanted = Preprocessing.of(config)
    digests = physionet.check_files(folder, names, wanted.annotator)
    return load_beats([Path(folder) / name for name in names], digests, wanted)


def load_folds(config: Config) -> dict[int, protocols.Fold]:
    """The folds of the configured protocol: a mapping of fold number to ``Fold``, for the folds asked for.

    No part needs an abnormal beat, unless they select the model. Raises ``DataError`` for a fold that the
    protocol lacks, or one without normal beats to learn from, to validate or to test, and ``ConfigError`` for
    the selection ``labelled`` without abnormal beats to validate.
    """
    beats, protocol = load_fold_beats(config), config.protocol
    if protocol.name == "beatgan":
        folds = protocols.beatgan(beats, protocol.split_seed, protocol.classes)
    elif protocol.name == "inter_patient":
        options = (protocol.train_records, protocol.test_records, protocol.all_beats)
        folds = protocols.inter_patient(beats, protocol.split_seed, protocol.classes, *options)
    elif protocol.name == "databases":
        roles = {
            f"{name}/{record}": role
            for name in config.data.sources
            for record, role in source_records(config, name).items()
        }
        folds = protocols.databases(beats, roles, protocol.classes)
    elif protocol.name == "leave_out":
        folds = protocols.leave_out(beats, protocol.split_seed, protocol.classes, protocol.all_beats)
    else:
        folds = protocols.series(beats, protocol.normal, protocol.test_records, protocol.split_seed)
    if max(protocol.folds) >= len(folds):
        raise DataError(f"Protocol {protocol.name} has {len(folds)} folds; found fold {max(protocol.folds)}.")
    chosen = {number: folds[number] for number in protocol.folds}
    for number, fold in chosen.items():
        _check_fold(config, number, fold)
        if protocol.contamination:
            chosen[number] = protocols.contaminate(fold, protocol.contamination, protocol.split_seed)
    return chosen


def _check_fold(config, number, fold):
    for verb, beats in (("train", fold.train), ("validate", fold.validation), ("test", fold.test)):
        if fold.is_abnormal(beats).all():  # of none, too
            raise DataError(f"Fold {number}: found no normal beats to {verb}; expected at least one.")
    if config.protocol.selection == "labelled" and not fold.is_abnormal(fold.validation).any():
        raise ConfigError(
            f"protocol.selection: found labelled, and no abnormal beats to validate in fold {number}; "
            "expected label_free."
        )
