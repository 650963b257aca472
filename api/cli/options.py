"""Settings as command-line options, made from the one list in ``moderation.settings``."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from moderation.settings import BY_NAME, load

STORAGE = ("database", "secret_file", "secret")
MODEL = ("models", "model")

Command = Callable[..., Any]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command the options of these settings, and hand it ``settings`` with all of them read."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(*args: Any, config: Path | None, **options: Any) -> Any:
            flags = {name: options.pop(name) for name in names}
            return command(*args, settings=load(flags, os.environ, config), **options)

        # The declarations are strings throughout: the settings' own readers judge them, wherever they come from.
        for name in reversed(names):
            setting = BY_NAME[name]
            default = "" if setting.default is None else f" [default: {setting.default}]"
            text = f"{setting.help} ({setting.variable}){default}"
            run = click.option(setting.flag, name, help=text, metavar="VALUE")(run)
        return click.option(
            "--config", type=click.Path(path_type=Path), help="TOML file with settings. (HAMLET_CONFIG)", metavar="FILE"
        )(run)

    return decorate
