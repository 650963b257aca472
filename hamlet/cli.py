"""The one command, ``hamlet``: joins the commands of the rooms and loads only the one that is called."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from keyword import iskeyword

import click

from moderation.errors import BadSetting, HamletError

COMMANDS = {
    "serve": "api.cli.serve",
    "score": "api.cli.score",
    "sites": "api.cli.sites",
    "keys": "api.cli.keys",
    "connect": "api.cli.connect",
    "doctor": "api.cli.doctor",
    "queue": "api.cli.queue",
    "rules": "api.cli.rules",
    "webhooks": "api.cli.webhooks",
    "users": "api.cli.users",
    "forget": "api.cli.forget",
    "db": "api.cli.db",
    "models": "api.cli.models",
    "import": "api.cli.importing",
    "train": "training.cli",
    "evaluate": "training.evaluate_cli",
}
"""Command to the module that has it; the module names it like the command."""

EXIT_FAILED, EXIT_USAGE = 1, 2


class Lazy(click.Group):
    """A group that imports a command when it is called, so that ``hamlet score`` does not wait for scikit-learn."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module, name = import_module(COMMANDS[cmd_name]), cmd_name
        # Words of Python have an underscore behind them.
        command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("hamlet"), prog_name="hamlet")
def cli() -> None:
    """Hamlet: accept, hold or reject a comment before it is published.

    \b
    Start:     hamlet serve --demo
    Try:       echo '{"text": "Nice post!"}' | hamlet score -
    Look:      hamlet doctor

    Settings come from flags, then HAMLET_* variables, then the TOML file named by --config or HAMLET_CONFIG.
    Exit codes: 0 done, 1 failed or partly failed, 2 wrong usage or settings.
    """


def main() -> None:
    """Run the command; expected failures are a sentence and an exit code, never a traceback."""
    try:
        # Without click's standalone mode ctx.exit() comes back as a value.
        sys.exit(cli(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HamletError as error:
        click.echo(f"hamlet: {error}", err=True)
        if error.hint:
            click.echo(f"  -> {error.hint}", err=True)
        sys.exit(EXIT_USAGE if isinstance(error, BadSetting) else EXIT_FAILED)
    except BrokenPipeError:
        # The reader went away (`| head`): not a failure worth a message.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
