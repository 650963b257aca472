"""Settings: flag, then variable, then file, then default; nonsense is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from moderation.errors import BadSetting
from moderation.settings import BY_NAME, ROOT, SETTINGS, load

# Three values that differ from the default and from each other, as text.
VALUES = {
    "host": ("0.0.0.0", "::1", "localhost"),
    "port": ("1", "65535", "9000"),
    "workers": ("2", "3", "4"),
    "threads": ("3", "4", "5"),
    "database": ("a.db", "postgresql://u@h/db", "c.db"),
    "durability": ("power", "power", "power"),
    "models": ("/a", "b", "c"),
    "model": ("base/1", "base/2", "base/3"),
    "model_cache": ("/a", "b", "c"),
    "secret_file": ("/a", "b", "c"),
    "secret": ("one secret of many", "two secrets of many", "three secrets of many"),
    "max_body": ("1024", "2048", "4096"),
    "webhook_hosts": ("localhost", "blog.internal:8000", "a, b"),
    "data_dir": ("/a", "b", "c"),
}
EVERY = pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
NONSENSE = [
    ("port", "eighty", "whole number"),
    ("port", "0", "between 1 and 65535"),
    ("port", "65536", "between 1 and 65535"),
    ("port", "-1", "whole number"),
    ("port", "80.5", "whole number"),
    ("port", "", "whole number"),
    ("workers", "0", "between 1 and 64"),
    ("threads", "257", "between 1 and 256"),
    ("max_body", "1023", "between 1024 and"),
    ("max_body", "16M", "whole number"),
    ("host", " ", "must be text"),
    ("database", "", "must be text"),
    ("secret_file", "", "must be text"),
    ("models", " ", "must be text"),
    ("durability", "Power", "one of process, power"),
    ("durability", "", "one of process, power"),
]


@pytest.fixture
def file(tmp_path: Path):
    """Writes a TOML file with settings."""

    def write(text: str) -> Path:
        path = tmp_path / "hamlet.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_setting_is_tried_here():
    assert list(VALUES) == [setting.name for setting in SETTINGS]


@EVERY
def test_without_anything_a_setting_has_its_default(name):
    assert getattr(load(), name) == BY_NAME[name].default


@EVERY
def test_the_file_goes_before_the_default(name, file):
    value = VALUES[name][2]
    assert str(getattr(load(config=file(f'{name} = "{value}"')), name)) == value


@EVERY
def test_a_variable_goes_before_the_file(name, file):
    _, variable, in_file = VALUES[name]
    found = load(environment={BY_NAME[name].variable: variable}, config=file(f'{name} = "{in_file}"'))
    assert str(getattr(found, name)) == variable


@EVERY
def test_a_flag_goes_before_the_variable(name):
    flag, variable, _ = VALUES[name]
    assert str(getattr(load({name: flag}, {BY_NAME[name].variable: variable}), name)) == flag


@EVERY
def test_a_flag_that_was_not_given_is_no_flag(name):
    assert str(getattr(load({name: None}, {BY_NAME[name].variable: VALUES[name][1]}), name)) == VALUES[name][1]


def test_a_choice_may_be_set_back_to_the_default():
    assert load({"durability": "process"}, {"HAMLET_DURABILITY": "power"}).durability == "process"


@pytest.mark.parametrize(("name", "value", "reason"), NONSENSE)
def test_nonsense_in_a_variable_is_refused_with_its_name(name, value, reason):
    with pytest.raises(BadSetting, match=reason) as caught:
        load(environment={BY_NAME[name].variable: value})
    assert caught.value.name == BY_NAME[name].variable


@pytest.mark.parametrize(("name", "value", "reason"), NONSENSE)
def test_nonsense_in_a_flag_is_refused_with_its_name(name, value, reason):
    with pytest.raises(BadSetting, match=reason) as caught:
        load({name: value})
    assert caught.value.name == BY_NAME[name].flag


@pytest.mark.parametrize(("name", "value", "reason"), NONSENSE)
def test_nonsense_in_the_file_is_refused_with_its_name_and_the_file(name, value, reason, file):
    with pytest.raises(BadSetting, match=reason) as caught:
        load(config=file(f'{name} = "{value}"'))
    assert caught.value.name.startswith(f"{name} in /")


@pytest.mark.parametrize(
    "line", ["port = true", "port = 80.5", "host = 5", "database = []", "durability = true", "model = 1", "models = 5"]
)
def test_a_value_of_the_wrong_type_in_the_file_is_refused(line, file):
    with pytest.raises(BadSetting, match=line.split()[0]):
        load(config=file(line))


def test_a_number_in_the_file_needs_no_quotes(file):
    assert load(config=file("port = 9000")).port == 9000


@pytest.mark.parametrize("name", ["model", "secret", "data_dir"])
def test_an_empty_variable_unsets_what_is_optional(name):
    assert getattr(load(environment={BY_NAME[name].variable: ""}), name) is None


def test_an_unknown_variable_is_refused_with_those_there_are():
    with pytest.raises(BadSetting, match="HAMLET_PROT: no such setting.*HAMLET_PORT"):
        load(environment={"HAMLET_PROT": "80"})


def test_variables_of_others_are_left_alone():
    assert load(environment={"PORT": "1", "HAMLET": "x", "HAMLET_TEST_POSTGRES_URL": "x"}) == load()


def test_an_unknown_entry_of_the_file_is_refused_with_those_there_are(file):
    with pytest.raises(BadSetting, match="prot in .*: no such setting.* port"):
        load(config=file("prot = 80"))


def test_the_file_may_be_named_by_a_variable(file):
    assert load(environment={"HAMLET_CONFIG": str(file("port = 9000"))}).port == 9000


def test_a_file_named_by_a_flag_goes_before_one_named_by_a_variable(file):
    assert load(environment={"HAMLET_CONFIG": "/nowhere"}, config=file("port = 9000")).port == 9000


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(BadSetting, match="/nowhere/hamlet.toml: No such file"):
        load(config=Path("/nowhere/hamlet.toml"))


def test_a_file_that_is_no_toml_is_refused(file):
    with pytest.raises(BadSetting, match=r"hamlet\.toml.*line 1"):
        load(config=file("port: 80"))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSetting, match=r"x\.toml"):
        load(config=tmp_path / "x.toml")


def test_a_tilde_is_the_home_folder():
    assert load({"models": "~/models"}).models == Path.home() / "models"


@pytest.mark.parametrize("turn", [0, 1])
def test_settings_survive_the_environment(turn):
    settings = load({name: values[turn] for name, values in VALUES.items()})
    assert load(environment=settings.as_environment()) == settings


@EVERY
def test_a_setting_is_documented_with_its_flag_its_variable_and_its_default(name):
    setting = BY_NAME[name]
    default = "" if setting.default is None else str(setting.default).removeprefix(f"{ROOT}/")
    told = [setting.flag, setting.variable, *filter(None, [default])]
    lines = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    assert any(all(f"`{one}`" in line for one in told) for line in lines)


def test_the_order_of_the_sources_is_documented():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert "HAMLET_CONFIG" in text
    assert "--config" in text
