"""Settings: flags, then ``HAMLET_*`` variables, then one TOML file, then defaults. Read once, at the edge.

``SETTINGS`` is the only list: the command line, the variables, the file and the documentation are made from it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.errors import BadSetting

PREFIX = "HAMLET_"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, how its text is read, its default and what it is for."""

    name: str
    read: Callable[[Any], Any]
    default: Any
    help: str

    @property
    def flag(self) -> str:
        """Name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Name in the environment."""
        return PREFIX + self.name.upper()


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not str(value).strip().isdigit():
            raise ValueError(f"must be a whole number, got {value!r}")
        number = int(value)
        if not low <= number <= high:
            raise ValueError(f"must lie between {low} and {high}, got {number}")
        return number

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, got {value!r}")
    return value.strip()


def _optional_text(value: Any) -> str | None:
    return None if value in (None, "") else _text(value)


def _path(value: Any) -> Path:
    return Path(_text(str(value) if isinstance(value, Path) else value)).expanduser()


def _optional_path(value: Any) -> Path | None:
    return None if value in (None, "") else _path(value)


def _choice(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return read


SETTINGS: tuple[Setting, ...] = (
    Setting("host", _text, "127.0.0.1", "Address to listen on."),
    Setting("port", _whole(1, 65_535), 8080, "Port to listen on."),
    Setting("workers", _whole(1, 64), 1, "Server processes; each shares the model's memory."),
    Setting("threads", _whole(1, 256), 4, "Threads a worker answers requests with."),
    Setting("database", _text, "var/hamlet.db", "SQLite file, or a postgresql:// URL."),
    Setting(
        "durability",
        _choice("process", "power"),
        "process",
        "What a stored answer survives: a crash of the process, or (SQLite: slower) also a power loss.",
    ),
    Setting("models", _path, ROOT / "models", "Folder of the models."),
    Setting("model", _optional_text, None, "Base model to serve, such as base/1.0.0; the newest if not given."),
    Setting("model_cache", _path, Path("var/models"), "Folder that models of sites are unpacked into."),
    Setting(
        "secret_file", _path, Path("var/secret"), "File with the secret that keys are hashed with; made if missing."
    ),
    Setting("secret", _optional_text, None, "The secret itself, for many servers over one database."),
    Setting("max_body", _whole(1_024, 1 << 30), 16 << 20, "Largest request body, in bytes."),
    Setting(
        "webhook_hosts",
        _optional_text,
        None,
        "Hosts (host or host:port, with commas) that webhooks may be on although their addresses are private.",
    ),
    Setting("data_dir", _optional_path, None, "Folder of the public corpora, to train and evaluate on."),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, read and checked."""

    host: str
    port: int
    workers: int
    threads: int
    database: str
    durability: str
    models: Path
    model: str | None
    model_cache: Path
    secret_file: Path
    secret: str | None
    max_body: int
    webhook_hosts: str | None
    data_dir: Path | None

    def as_environment(self) -> dict[str, str]:
        """The settings as variables, for the processes a server starts."""
        values = {setting: getattr(self, setting.name) for setting in SETTINGS}
        return {setting.variable: str(value) for setting, value in values.items() if value is not None}


def load(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None, config: Path | None = None
) -> Settings:
    """Settings from flags, variables and the TOML file; raises :class:`BadSetting` with the name and the reason."""
    flags, environment = flags or {}, environment or {}
    if config is None and environment.get(PREFIX + "CONFIG"):
        config = Path(environment[PREFIX + "CONFIG"])
    from_file = _read_file(config) if config is not None else {}
    unknown = [name for name in environment if name.startswith(PREFIX) and not _known_variable(name)]
    if unknown:
        raise BadSetting(sorted(unknown)[0], f"no such setting; there are: {', '.join(s.variable for s in SETTINGS)}")
    values = {}
    for setting in SETTINGS:
        where, value = _first(setting, flags, environment, from_file, config)
        try:
            values[setting.name] = setting.read(value) if where else setting.default
        except ValueError as error:
            raise BadSetting(where, str(error)) from error
    return Settings(**values)


def _known_variable(name: str) -> bool:
    # HAMLET_TEST_* belongs to the tests.
    return (
        name == PREFIX + "CONFIG" or name.startswith(PREFIX + "TEST_") or name.removeprefix(PREFIX).lower() in BY_NAME
    )


def _first(
    setting: Setting,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Mapping[str, Any],
    config: Path | None,
) -> tuple[str, Any]:
    if flags.get(setting.name) is not None:
        return setting.flag, flags[setting.name]
    if setting.variable in environment:
        return setting.variable, environment[setting.variable]
    if setting.name in file:
        return f"{setting.name} in {config}", file[setting.name]
    return "", None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting("--config", f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting("--config", f"{path}: {error}") from error
    for name in values:
        if name not in BY_NAME:
            raise BadSetting(f"{name} in {path}", f"no such setting; there are: {', '.join(BY_NAME)}")
    return values
