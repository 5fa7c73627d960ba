from pathlib import Path

import pytest
from pydantic import ValidationError

from keras_sibeat.config import Config, find_config, read_config
from keras_sibeat.errors import ConfigError

SOURCES = "[data]\nsource = 'wfdb'\n[data.sources.mitdb]\ntrains = ['DS1']\n"
DATABASES = SOURCES + "[protocol]\nname = 'databases'\n"


@pytest.fixture
def toml(tmp_path):
    """Write a configuration file; returns its path."""

    def write(text, name="my-run.toml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def test_the_defaults_are_the_simulator_and_the_published_recipe():
    config = read_config()
    assert config == Config() and config.name == "unnamed"
    assert config.data.source == "simulator" and config.data.folder is None
    assert (config.protocol.name, config.protocol.selection) == ("beatgan", "label_free")
    assert config.window.length == 320
    assert (config.train.batch_size, config.train.learning_rate, config.train.beta_1) == (64, 1e-4, 0.5)


def test_a_file_changes_what_it_names_and_nothing_else(toml):
    config = read_config(toml("seeds = [3, 4]\n[train]\nepochs = 2\n[protocol]\nfolds = [0, 4]\n"))
    assert (config.seeds, config.train.epochs, config.protocol.folds) == ((3, 4), 2, (0, 4))
    assert config.train.batch_size == Config().train.batch_size


def test_the_run_is_named_after_its_file_unless_it_says_otherwise(toml):
    assert read_config(toml("")).name == "my-run"
    assert read_config(toml('name = "other"')).name == "other"


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("typo = 1", "typo", r"seeds, .* or evaluate\.$"),
        ("[train]\nepoch = 2", "train.epoch", r"learning_rate, .*\(did you mean epochs\?\)"),
        ("[modle]\nwidth = 2", "modle", r"distillation, .*\(did you mean model\?\)"),
        ("[data]\nfolders = 'x'", "data.folders", r"\(did you mean folder\?\)"),
        ("[train]\nseeds = [0]", "train.seeds", r"epochs, .*\(did you mean seeds\?\)"),
        (
            "warmup_epochs = 2",
            "warmup_epochs",
            "did you mean contrastive.warmup_epochs or student.warmup_epochs",
        ),
        (DATABASES + "[data.sources.a]\ntest = ['x']", r"data\.sources\.a\.test", r"did you mean tests\?"),
        ("[student.noise.cut]\nrecord = 'x'", r"student\.noise\.cut\.record", r"did you mean records\?"),
    ],
)
def test_an_unknown_key_is_an_error_that_lists_those_of_its_section(toml, text, key, near):
    with pytest.raises(ConfigError, match=rf"my-run\.toml: found the unknown key {key}; expected .*{near}"):
        read_config(toml(text))


@pytest.mark.parametrize(
    "override",
    [
        "train.epochs=0",
        "train.epochs=1.5",
        "train.epochs=many",
        "train.learning_rate=0",
        "train.learning_rate=inf",
        "train.learning_rate=nan",
        "train.beta_1=1",
        "train.jit_compile=maybe",
        "data.wearers=1",
        "data.seconds=9",
        "data.seconds=inf",
        "data.source=web",
        "data.leads=MLII",
        "window.before=0",
        "window.after=-1",
        "window.order=107",
        "protocol.folds=[]",
        "protocol.folds=[-1]",
        "protocol.contamination=0.6",
        "protocol.selection=best",
        "model.kind=transformer",
        "model.depth=9",
        "model.units=[0]",
        "model.feature_weight=-1",
        "evaluate.false_alarm_rate=0",
        "evaluate.false_alarm_rate=1",
        "seeds=[]",
        "train=3",
        "contrastive.head=v3",
        "contrastive.units=0",
        "contrastive.projection=0",
        "contrastive.temperature=0",
        "contrastive.temperature=-0.1",
        "contrastive.nt_xent_weight=-1",
        "contrastive.shift_weight=-1",
        "contrastive.adversarial_weight=-1",
        "contrastive.adversarial_weight=inf",
        "contrastive.pretrain.epochs=-1",
        "contrastive.pretrain.nt_xent_weight=-1",
        "contrastive.pretrain.shift_weight=nan",
        "contrastive.optimizer=sgd",
        "contrastive.learning_rate=0",
        "contrastive.scaling=cubic",
        "contrastive.warmup_epochs=-1",
        "contrastive.views.gain.strength=nan",
        "score.combine=[]",
        "score.combine=['entropy']",
        "score.prototypes=0",
        "score.prototypes=513",
        "distribute.strategy=horovod",
    ],
)
def test_a_value_out_of_range_is_an_error_that_names_it(override):
    key, _, value = override.partition("=")
    with pytest.raises(ConfigError, match=rf"^--set .*: {key}\b.*: found .*; expected ") as error:
        read_config(overrides=[override])
    assert value.strip("[]'") in str(error.value).partition(": found ")[2]
    assert "nput" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (
            'data.leads="MLII"',
            'data.leads: found "MLII"; expected a list, such as ["MLII"] or "all" or "first".',
        ),
        ("start={form='x'}", "found the unknown key start.form; expected from or trunk (did you mean from?)"),
        ("data.leads=[3]", "data.leads.0: found 3; expected a text in quotes."),
        ("data.leads=[]", 'data.leads: found []; expected a list of at least 1 value or "all" or "first".'),
        ("data.folder=3", "data.folder: found 3; expected a path in quotes."),
        (
            "data.columns=['x', true]",
            "data.columns.1: found true; expected a text in quotes or a whole number.",
        ),
        ("data.groups.a=b", 'data.groups.a: found "b"; expected a list, such as ["b"].'),
        ("train.jit_compile=1", "train.jit_compile: found 1; expected true or false."),
        ("train.epochs=true", "train.epochs: found true; expected a whole number."),
        ("train.epochs='3'", 'train.epochs: found "3"; expected a whole number.'),
        ("train.learning_rate=true", "train.learning_rate: found true; expected a number."),
        ("train.learning_rate=inf", "train.learning_rate: found inf; expected a finite number."),
        ("train=3", "train: found 3; expected a section, [train]."),
        ("seeds=[true]", "seeds.0: found true; expected a whole number."),
        ("seeds=[0, 0]", "seeds: found [0, 0]; expected different values."),
        ("window.band=[1]", "window.band.1: found nothing; expected a value."),
        ("window.band=[1, 2, 3]", "window.band: found [1, 2, 3]; expected a list of at most 2 values."),
        ("window.order=3", "window.order: found 3; expected a multiple of 2."),
        ("train.beta_1=1", "train.beta_1: found 1; expected less than 1."),
        ("model.depth=9", "model.depth: found 9; expected 8 or less."),
        ("model.kind=cov", 'model.kind: found "cov"; expected "conv" or "dense" (did you mean conv?).'),
        ("contrastive.views.gain.strength=true", "strength: found true; expected a number or a list."),
        ("contrastive.views.nois={}", "(did you mean noise?)."),
        ("distillation={}", "distillation.teacher: found nothing; expected a value."),
        ("modle.width=3", "found the unknown key modle; "),
        ("train.epoch=3", "found the unknown key train.epoch; "),
    ],
)
def test_a_value_is_told_in_toml_s_words(override, told):
    with pytest.raises(ConfigError) as error:
        read_config(overrides=["train.batch_size=8", override])
    assert str(error.value).startswith(f"--set {override}: ") and told in str(error.value)


def test_a_value_of_the_file_is_not_called_an_override(toml):
    with pytest.raises(ConfigError, match=r"my-run\.toml: train\.epochs: found 0; expected 1 or more\.$"):
        read_config(toml("[train]\nepochs = 0"), ["train.batch_size=8"])


def test_true_is_no_number_in_python_either():
    for values in ({"epochs": True}, {"learning_rate": True}, {"jit_compile": 1}):
        with pytest.raises(ValidationError):
            Config(train=values)
    assert Config(train={"learning_rate": 1}).train.learning_rate == 1.0


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("train.epochs=30", lambda c: c.train.epochs == 30),
        ("train.learning_rate = 1e-3", lambda c: c.train.learning_rate == 1e-3),
        ("train.jit_compile=false", lambda c: c.train.jit_compile is False),
        ("protocol.name=inter_patient", lambda c: c.protocol.name == "inter_patient"),
        ('protocol.name="inter_patient"', lambda c: c.protocol.name == "inter_patient"),
        ("seeds=[0, 1, 2]", lambda c: c.seeds == (0, 1, 2)),
        ("data.leads=all", lambda c: c.data.leads == "all"),
        ('data.leads=["II", "V1"]', lambda c: c.data.leads == ("II", "V1")),
        ("name=a=b", lambda c: c.name == "a=b"),
    ],
)
def test_overrides_are_toml_or_plain_strings(override, read):
    assert read(read_config(overrides=[override]))


def test_overrides_win_over_the_file_and_later_ones_over_earlier(toml):
    file = toml("[train]\nepochs = 2\nbatch_size = 8\n")
    config = read_config(file, ["train.epochs=3", "train.epochs=4"])
    assert (config.train.epochs, config.train.batch_size) == (4, 8)


@pytest.mark.parametrize("override", ["train.epochs", "", "=3", " =3"])
def test_an_override_without_key_or_value(override):
    with pytest.raises(ConfigError, match="found no key=value; expected e.g. train.epochs=30"):
        read_config(overrides=[override])


def test_an_override_below_a_value():
    with pytest.raises(ConfigError, match="--set name.x=1: name is a value; expected a section"):
        read_config(overrides=["name=a", "name.x=1"])


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: no such file; expected a configuration in TOML"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 'a'\nepochs: 3\n", r", line 2: Expected '=' .* \(epochs: 3\); expected TOML"),
        ("name = beatgan", r", line 1: Invalid value \(name = beatgan\); expected TOML"),
        (
            "[train]\nepochs = 1\nepochs = 2",
            r", line 3: found a key or section for the second time \(epochs = 2\)",
        ),
        ("[train]\nepochs = 1\nepochs = 2\n[model]", r", line 3: found a key or section for the second time"),
        (
            "[train]\n[model]\n[train]\n",
            r", line 3: found a key or section for the second time \(\[train\]\)",
        ),
        ("seeds = [1,\n2\n\n", r", line 2: Unclosed array \(2\); expected TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_told_with_its_line(toml, text, told):
    with pytest.raises(ConfigError, match=rf"my-run\.toml{told}"):
        read_config(toml(text))


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.toml: .*; expected TOML"):
        read_config(tmp_path / "binary.toml")


def test_the_data_folder_replaces_the_simulator(toml, tmp_path):
    config = read_config(toml(""), data=tmp_path)
    assert (config.data.source, config.data.folder) == ("wfdb", tmp_path)


def test_the_data_folder_wins_over_the_file_s(toml, tmp_path):
    config = read_config(toml("[data]\nsource = 'wfdb'\nfolder = 'elsewhere'\n"), data=tmp_path)
    assert config.data.folder == tmp_path


SERIES = "[data]\nsource = 'series'\n[data.groups]\nwalk = ['*']\n[protocol]\nname = 'series'\n"


def test_series_stay_series(toml, tmp_path):
    assert read_config(toml(SERIES), data=tmp_path).data.source == "series"


@pytest.mark.parametrize("text", [SERIES, "[data]\nsource = 'wfdb'\n"])
def test_real_data_needs_a_folder(toml, text):
    with pytest.raises(ConfigError, match="found no data folder; expected --data DIR"):
        read_config(toml(text))


def test_data_that_is_no_section(toml, tmp_path):
    with pytest.raises(ConfigError, match=r"my-run\.toml: data: found 3; expected a section, \[data\]"):
        read_config(toml("data = 3"), data=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\nsource = 'series'", "groups belong to source series"),
        ("[data.groups]\nwalk = ['*']", "groups belong to source series"),
        ("[protocol]\nname = 'series'", "source series and protocol series go together"),
        (
            SERIES.replace("[protocol]\nname = 'series'\n", ""),
            "source series and protocol series go together",
        ),
        ("[window]\nband = [45, 3]", "band: expected 0 < low < high < 180 Hz"),
        ("[window]\nband = [3, 180]", "band: expected 0 < low < high < 180 Hz"),
        (SERIES + "selection = 'labelled'", "no labelled validation windows"),
        ("[contrastive]\n[model]\nkind = 'dense'", "contrastive: expected model.kind conv"),
        ("[contrastive]\n[model]\ntime_warp = 8", "model.time_warp: expected 0; the contrastive views"),
        ("[contrastive]\n[protocol]\nselection = 'labelled'", "contrastive takes the last epoch"),
        ("[contrastive]\n[train]\nbatch_size = 1", "train.batch_size: a batch of 1 has no negatives"),
        ("[contrastive]\nshift_weight = 0", "score.combine: found shift, whose head learns nothing"),
        (
            "[contrastive]\nshift_weight = 0\n[contrastive.pretrain]\nshift_weight = 1",
            "score.combine: found shift, whose head learns nothing",
        ),
        (
            "[contrastive]\nnt_xent_weight = 0\nshift_weight = 0\nadversarial_weight = 0",
            "found only weights of 0; expected one of the losses to be above",
        ),
        (
            "[contrastive.pretrain]\nepochs = 1\nnt_xent_weight = 0",
            "pretrain: found only weights of 0; expected one of the losses to be above",
        ),
        ("[contrastive]\nshifts = []", "found no shifts; expected some, or shift_weight = 0"),
        (
            "[contrastive]\nshifts = []\nshift_weight = 0\nhard_negatives = true",
            "found no shifts; expected some, or shift_weight = 0 and no hard_negatives",
        ),
        ("[contrastive.views]\nrecorded_noise = {}", "recorded_noise and the folder noise go together"),
        ("[contrastive]\nnoise = 'nstdb'", "recorded_noise and the folder noise go together"),
        ("[score]\ncombine = ['shift', 'shift']", "expected different values"),
        ("[score]\ncombine = { shift = 0 }", "score.combine.shift: found 0"),
    ],
)
def test_settings_that_contradict_each_other(toml, text, message):
    with pytest.raises(ConfigError, match=message):
        read_config(toml(text))


WEARER = "[wearer]\n[contrastive]\n"
CUT = WEARER + "[student.noise]\nfolder = 'n'\n[student.noise.cut]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SOURCES, "data.sources and protocol databases go together"),
        ("[protocol]\nname = 'databases'", "data.sources and protocol databases go together"),
        (
            DATABASES.replace("'databases'", "'inter_patient'"),
            "data.sources and protocol databases go together",
        ),
        (
            DATABASES.replace("'wfdb'", "'wfdb'\nleads = ['MLII', 'V1']"),
            "sources are of source wfdb and of one lead",
        ),
        (DATABASES.replace("'wfdb'", "'wfdb'\nleads = 'all'"), "sources are of source wfdb and of one lead"),
        (DATABASES.replace("'wfdb'", "'simulator'"), "sources are of source wfdb and of one lead"),
        (
            "[contrastive]\n[student]\ndistil = false\n[student.noise]\nfolder = 'n'",
            r"student\.noise: expected student\.distil",
        ),
        (
            SERIES + "[contrastive]\n[student]\n[student.noise]\nfolder = 'n'",
            r"student\.noise: expected beats, found protocol series",
        ),
        (WEARER + "[student.noise]\nsnr = [0, 3]", r"student\.noise\.folder: found"),
        (WEARER + "[student.noise]\nfolder = 'n'\nshare = 1.5", r"student\.noise\.share: found 1\.5"),
        (WEARER + "[student.noise]\nfolder = 'n'\nsnr = [3]", r"student\.noise\.snr"),
        (CUT + "folder = 'c'", r"student\.noise\.cut\.records: found"),
        (CUT + "folder = 'c'\nrecords = []", r"student\.noise\.cut\.records: found"),
        (CUT + "folder = 'c'\nrecords = 'A0*'", r'student\.noise\.cut\.records: found "A0\*"'),
        (CUT + "records = ['A0*']", r"student\.noise\.cut\.folder: found"),
        (
            CUT + "folder = 'c'\nrecords = ['A0*']\nlabel = 'N'",
            r"found the unknown key student\.noise\.cut\.label",
        ),
        (SOURCES + "leads = []", r"data\.sources\.mitdb\.leads"),
        (SOURCES + "leads = 'all'", r"data\.sources\.mitdb\.leads"),
        (SOURCES + "test = ['DS2']", r"found the unknown key data\.sources\.mitdb\.test; expected"),
    ],
)
def test_what_does_not_fit_several_databases_or_noise_is_told_in_one_sentence(toml, text, message):
    with pytest.raises(ConfigError, match=rf"my-run\.toml: .*{message}") as error:
        read_config(toml(text))
    assert "expected" in str(error.value) and "\n" not in str(error.value)


def test_a_source_reads_all_of_its_records_of_the_first_lead_unless_it_says_otherwise(toml, tmp_path):
    source = read_config(toml(DATABASES), data=tmp_path).data.sources["mitdb"]
    assert (source.leads, source.annotator, source.reference, source.folder) == ("first", "atr", "", None)
    assert (source.trains, source.validates, source.tests) == (("DS1",), (), ())


def test_wearers_of_several_databases_are_kept_apart(toml, tmp_path):
    protocol = read_config(toml(DATABASES), data=tmp_path).protocol
    assert protocol.is_of_wearers and protocol.classes == "aami"


def test_a_run_is_described_as_before_unless_it_has_sources_or_noise(toml, tmp_path):
    """What a run has stored stays equal to what its configuration says."""
    noise = "[student.noise]\nfolder = 'nstdb_noise'\nsnr = [-2, 20]\n"
    plain = read_config(toml(WEARER + "[student]\n")).describe()
    assert "sources" not in plain["data"] and "noise" not in plain["student"]
    with_noise = read_config(toml(WEARER + noise)).describe()
    wanted = {"folder": "nstdb_noise", "snr": [-2.0, 20.0], "share": 0.5}
    assert with_noise["student"].pop("noise") == wanted and with_noise == plain
    several = read_config(toml(DATABASES), data=tmp_path).describe()
    assert several["data"]["sources"]["mitdb"]["trains"] == ["DS1"]
    assert str(tmp_path) not in str(several)
    for description in (plain, several):
        assert Config.model_validate(description).describe() == description


def test_noise_is_cut_only_where_it_is_said_and_from_recordings_called_noisy(toml):
    assert read_config(toml(CUT.partition("[student.noise.cut]")[0])).student.noise.cut is None
    config = read_config(toml(CUT + "folder = 'c'\nrecords = ['A0*', 'B1']"))
    cut = config.student.noise.cut
    assert (cut.folder, cut.reference, cut.records) == (Path("c"), "~", ("A0*", "B1"))
    wanted = {"folder": "c", "reference": "~", "records": ["A0*", "B1"]}
    assert config.describe()["student"]["noise"]["cut"] == wanted
    assert Config.model_validate(config.describe()).describe() == config.describe()


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("contrastive.shifts=['bumb']", "found 'bumb' among the shifts; expected some of strong_time_warp, "),
        ("contrastive.shifts=['bump', 'bump']", "expected different values"),
        ("contrastive.views.nois={}", "found 'nois' among the views; expected some of time_warp, "),
        (
            "contrastive.views.gain.strenght=1",
            "found 'strenght' among the settings of the view gain; expected some of strength, knots",
        ),
        ("contrastive.views.gain.seed=1", "found 'seed' among the settings of the view gain"),
        ("contrastive.views.noise=3", "contrastive.views.noise: found 3"),
    ],
)
def test_a_view_or_shift_is_known_and_so_are_its_settings(override, told):
    with pytest.raises(ConfigError) as error:
        read_config(overrides=[override])
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_section_turns_the_contrast_on():
    assert read_config().contrastive is None
    assert read_config(overrides=["contrastive={}"]).contrastive.head == "v1"
    assert read_config(overrides=["contrastive.head=v2"]).contrastive.pretrain.epochs == 0


def test_views_replace_the_default_ones(toml):
    text = "[contrastive.views]\nnoise = {strength = 0.1}\nrpeak_jitter = {ticks = 2}\n"
    views = read_config(toml(text)).contrastive.views
    assert list(views) == ["noise", "rpeak_jitter"]
    assert views == {"noise": {"strength": 0.1}, "rpeak_jitter": {"ticks": 2}}


def test_a_shift_head_that_learnt_alone_may_be_scored(toml):
    text = "[contrastive]\nshift_weight = 0\n[contrastive.pretrain]\nepochs = 1\nshift_weight = 1\n"
    assert read_config(toml(text)).score.combine == {"shift": 1, "prototypes": 1}


@pytest.mark.parametrize(
    "overrides",
    [
        ["seeds=[1, 2]", "data.leads=all", "model.units=[8, 4]"],
        ["contrastive.views={recorded_noise={snr=[6, 12]}, noise={}}", "contrastive.noise=nstdb"],
        ["contrastive.pretrain.epochs=3", "score.combine=['rebuild']", "contrastive.shift_weight=0"],
        ["data.source=wfdb", "data.folder=d", "protocol.name=databases", "data.sources.a.tests=['x*']"],
        ["wearer={}", "contrastive={}", "student.noise={folder='n', snr=[-2, 20]}"],
        ["wearer={}", "contrastive={}", "student.noise={folder='n', cut={folder='c', records=['A*']}}"],
    ],
)
def test_a_configuration_survives_its_own_json(overrides):
    config = read_config(overrides=overrides)
    assert Config.model_validate_json(config.model_dump_json()) == config


CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_a_configuration_that_ships_is_found_by_its_name(file):
    assert find_config(file.stem).read_bytes() == file.read_bytes()


def test_a_file_wins_over_one_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quickstart").write_text("[train]\nepochs = 7\n")
    assert read_config(find_config("quickstart")).train.epochs == 7
    with pytest.raises(ConfigError, match="none: no such file; .* that ships: ablation, "):
        read_config(find_config("none"))


def test_a_configuration_s_name_that_is_nearly_right():
    with pytest.raises(ConfigError, match=r"quickstrt: no such file; .*\(did you mean quickstart\?\)"):
        read_config(find_config("quickstrt"))


def test_columns_belong_to_series(toml):
    with pytest.raises(ConfigError, match="data: columns belong to source series; expected data.leads"):
        read_config(toml("[data]\ncolumns = ['x']"))
    config = read_config(toml(SERIES.replace("'series'\n", "'series'\ncolumns = ['x', 2]\n", 1)), data=".")
    assert config.data.columns == ("x", 2) and config.describe()["data"]["columns"] == ["x", 2]
    assert "columns" not in read_config(toml(SERIES), data=".").describe()["data"]


# Own recordings


def test_a_folder_is_one_of_wfdb_records_unless_it_says_otherwise(toml):
    assert read_config(toml("[data]\nfolder = 'mine'\n")).data.source == "wfdb"
    assert read_config(overrides=["data.folder=mine"]).data.source == "wfdb"
    series = read_config(
        toml("[data]\nsource='series'\nfolder='m'\ngroups={N=['*']}\n[protocol]\nname='series'")
    )
    assert series.data.source == "series"


@pytest.mark.parametrize(
    ("leads", "count"), [("'first'", 1), ("'all'", None), ("['II']", 1), ("['II', 'V1']", 2)]
)
def test_how_many_leads_a_window_has(toml, leads, count):
    assert read_config(toml(f"[data]\nleads = {leads}\n")).data.lead_count == count


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (["data.source=simulator", "data.folder=d"], "a folder belongs to source wfdb or series"),
        (["data.annotator=none"], "annotator none belongs to source wfdb"),
        (
            ["protocol.train_records=['a']"],
            "train_records belongs to protocol inter_patient; found it beside beatgan",
        ),
        (
            ["protocol.name=leave_out", "protocol.test_records=['a']"],
            "test_records belongs to protocol inter_patient and series; found it beside leave_out",
        ),
        (["protocol.all_beats=true"], "all_beats belongs to protocol inter_patient and leave_out"),
        (["protocol.normal=walk"], "normal belongs to protocol series; found it beside beatgan"),
        (["data.wearer=^(.)"], "data.wearer belongs to protocols inter_patient, leave_out, databases"),
        (["protocol.name=leave_out", "data.wearer=^p"], "expected one group, the wearer's name"),
        (["protocol.name=leave_out", "data.wearer='(a)(b)'"], "in parentheses; found 2"),
        (["protocol.name=leave_out", "data.wearer='(a'"], "expected a regular expression or a .csv file"),
        (
            ["data.folder=d", "data.annotator=none", "protocol.contamination=0.01"],
            "protocol.contamination: expected 0 without annotations",
        ),
    ],
)
def test_keys_that_would_be_ignored_are_refused(override, told):
    with pytest.raises(ConfigError) as error:
        read_config(overrides=override)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_wearers_are_described_where_they_are_named(toml):
    plain = read_config(toml("[protocol]\nname = 'leave_out'\n"))
    named = read_config(toml("[protocol]\nname = 'leave_out'\n[data]\nwearer = 'wearers.csv'\n"))
    assert "wearer" not in plain.describe()["data"]
    assert named.describe()["data"].pop("wearer") == "wearers.csv"
    assert Config.model_validate(named.describe()) == named


def test_sources_have_annotators_of_their_own(toml):
    with pytest.raises(ConfigError, match="sources have annotators of their own"):
        read_config(toml(DATABASES), overrides=["data.annotator=none"], data="d")
    none = ["data.sources.mitdb.annotator=none"]
    with pytest.raises(ConfigError, match="records cannot test beside others"):
        read_config(toml(DATABASES), overrides=[*none, "data.sources.mitdb.tests=['x']"], data="d")
    assert read_config(toml(DATABASES), overrides=[*none, "data.sources.mitdb.validates=['x']"], data="d")
