"""From a configuration to the folds: simulated, WFDB or series data through one path."""

import inspect
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.config.sections import Data, Source
from keras_sibeat.data import physionet, protocols, simulated_wearer, splits, synthetic
from keras_sibeat.data.beats import cache_folder, checksum, load_beats
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.cache import as_far_as_possible, folder_instead
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.series import find_records, load_series
from keras_sibeat.data.series_split import split_series
from keras_sibeat.data.wearers import check_apart, name_wearers
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.files import whole_folder


def simulated_folder(wearers: int, seconds: float, seed: int = 0) -> Path:
    """Folder of ``wearers`` simulated WFDB records of ``seconds`` each, made on first use and then kept.

    Where the cache cannot be written, they are kept as long as the process lasts.
    """
    key = checksum([*map(inspect.getsource, (synthetic, simulated_wearer)), wearers, seconds, seed])
    folder = cache_folder() / f"simulated-{key[:16]}"
    if os.path.isdir(folder):
        return folder
    with as_far_as_possible():
        with whole_folder(folder) as partial:
            write_simulated(partial, wearers, seconds, seed)
        return folder
    instead = folder_instead(folder.name) / folder.name
    if not instead.is_dir():
        with whole_folder(instead) as partial:
            write_simulated(partial, wearers, seconds, seed)
    return instead


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
    """All the beats (or windows) that the configured protocol uses, as one ``BeatSet``.

    Raises ``ConfigError`` where the records of one wearer are to be in several parts.
    """
    data, window, protocol = config.data, config.window, config.protocol
    if data.source == "series":
        return load_series(data.folder, data.groups, window.length, window.stride, data.columns)
    wearers = record_wearers(config)
    if data.sources:
        told = check_apart(database_roles(config), wearers)
        sets = [_read_source(config, name) for name in data.sources]
        beats = BeatSet.join(sets, checksum([beats.sha256 for beats in sets]))
    else:
        lists = (protocol.train_records, protocol.test_records)
        names, told = splits.select_records(protocol.name, wearers, *lists), []
        if protocol.name == "inter_patient":
            sides = zip(("train", "test"), splits.split_records(wearers, *lists), strict=True)
            told += check_apart({name: role for role, side in sides for name in side}, wearers)
        told += splits.describe_lists(wearers, names, is_listed=any(lists))
        beats = _read_records(records_folder(config), names, Preprocessing.of(config))
    if not len(beats):
        raise DataError(f"Found no beat that can be used; expected some. {' '.join(beats.notes[:3])}")
    used = {name: wearers[name] for name in np.unique(beats.records).tolist()}
    digest = checksum([beats.sha256, used]) if data.wearer else beats.sha256
    return replace(beats, worn_by=used, notes=(*beats.notes, *told), sha256=digest)


def record_wearers(config: Config) -> dict[str, str]:
    """The wearer of each record of the configured folder or, by ``source/record``, of the sources."""
    folder, data = records_folder(config), config.data
    if data.sources:
        paths = {
            f"{name}/{record}": source_folder(config, name) / record
            for name in data.sources
            for record in source_records(config, name)
        }
    else:
        paths = {name: Path(folder) / name for name in physionet.list_records(folder)}
    return name_wearers(paths, data.wearer, folder)


def source_records(config: Config, name: str) -> dict[str, str]:
    """The records of a configured source, and whether each is to ``train``, ``validate`` or ``test``.

    Raises ``DataError`` for a name that fits no record, and ``ConfigError`` for a record with two roles.
    """
    source, folder = config.data.sources[name], source_folder(config, name)
    names = physionet.list_records(folder)
    if source.reference:
        known = set(physionet.labelled_records(folder, source.reference))
        names = [record for record in names if known & {record, Path(record).name}]
    roles: dict[str, str] = {}
    for role, patterns in (("train", source.trains), ("validate", source.validates), ("test", source.tests)):
        for record in splits.chosen(names, patterns):
            if roles.setdefault(record, role) != role:
                raise ConfigError(
                    f"data.sources.{name}: found record {record} to {roles[record]} and to {role}; "
                    "expected one of them."
                )
    return roles


def database_roles(config: Config) -> dict[str, str]:
    """The role of each record of the configured sources, by its name ``source/record``."""
    return {
        f"{name}/{record}": role
        for name in config.data.sources
        for record, role in source_records(config, name).items()
    }


def learning_roles(config: Config) -> dict[str, str]:
    """Which records ``train`` and which ``validate``, where wearers are kept apart in one fold.

    No beat is read. Raises ``ConfigError`` under other protocols.
    """
    protocol = config.protocol
    if protocol.name == "databases":
        return {name: role for name, role in database_roles(config).items() if role != "test"}
    if protocol.name != "inter_patient":
        raise ConfigError(
            f"protocol.name: found {protocol.name}; expected inter_patient or databases, whose wearers are "
            "kept apart."
        )
    wearers = record_wearers(config)
    train, _ = splits.split_records(wearers, protocol.train_records, protocol.test_records)
    held_out = protocols.held_out_records(wearers, train, protocol.split_seed)
    return {name: "validate" if name in held_out else "train" for name in train}


def source_folder(config: Config, name: str) -> Path:
    """The folder of one of the configured sources, within that of the data."""
    return Path(config.data.folder or ".") / (config.data.sources[name].folder or name)


def find_record(config: Config, record: str) -> tuple[Path, Data | Source]:
    """The path of a record that is named as its beats are, and the section that says how it is read."""
    if not config.data.sources:
        return records_folder(config) / record, config.data
    name, _, record = record.partition("/")
    return source_folder(config, name) / record, config.data.sources[name]


def _read_source(config, name):
    """The beats of a source, its records named ``source/record``."""
    source = config.data.sources[name]
    wanted = replace(Preprocessing.of(config), leads=source.leads, annotator=source.annotator)
    beats = _read_records(source_folder(config, name), source_records(config, name), wanted)
    return replace(beats, records=np.char.add(f"{name}/", beats.records))


def _read_records(folder, names, wanted):
    """The beats of a folder's records, named as these."""
    digests = physionet.check_files(folder, names, wanted.annotator)
    beats = load_beats({name: Path(folder) / name for name in names}, digests, wanted)
    if wanted.annotator != "none":
        return beats
    note = f"{folder}: no annotations are read; every beat that the detector finds counts as normal."
    return replace(beats, notes=(*beats.notes, note))


def load_unlabelled(config: Config, records: Sequence[str]) -> BeatSet:
    """All beats of the ``records``, normal or not, as one ``BeatSet``; none of them may be tested.

    Raises ``ConfigError`` for a record that the configured protocol trains or tests on, or whose wearer wears
    one of those, and ``DataError`` for one that is not there.
    """
    protocol, wearers = config.protocol, record_wearers(config)
    used = splits.select_records(protocol.name, wearers, protocol.train_records, protocol.test_records)
    worn = {wearers[name]: name for name in used}
    for record in records:
        if record in used:
            raise ConfigError(
                f"student.unlabelled: found record {record}, which protocol {protocol.name} uses; "
                "expected records of its own."
            )
        if record not in wearers:
            raise DataError(
                f"student.unlabelled: found no record {record} in {records_folder(config)}; "
                "expected it there."
            )
        if wearers[record] in worn:
            raise ConfigError(
                f"student.unlabelled: found record {record} of wearer {wearers[record]}, whose record "
                f"{worn[wearers[record]]} protocol {protocol.name} uses; expected other wearers."
            )
    return _read_records(records_folder(config), records, Preprocessing.of(config))


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
        sides = splits.split_records(record_wearers(config), protocol.train_records, protocol.test_records)
        options = (protocol.split_seed, protocol.classes, protocol.all_beats)
        folds = protocols.inter_patient(beats, *sides, *options)
    elif protocol.name == "databases":
        folds = protocols.databases(beats, database_roles(config), protocol.classes)
    elif protocol.name == "leave_out":
        folds = protocols.leave_out(beats, protocol.split_seed, protocol.classes, protocol.all_beats)
    else:
        tested = find_records(config.data.folder, config.data.groups, protocol.test_records)
        folds = [split_series(beats, protocol.normal, tested, protocol.split_seed)]
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
