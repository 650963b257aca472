"""``hamlet connect``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from api.cli.options import STORAGE, with_settings
from moderation.errors import BadAddress, BadSetting
from moderation.settings import Settings
from moderation.targets import take_apart

FOLDER = Path(__file__).parent.parent / "connect"
NAMES = ("wordpress", "coral", "discourse", "flarum", "npm", "pypi", "hosts", "nginx", "caddy")
PLUGIN = "wordpress"
URL_HELP = "Where Hamlet answers, as the blog's server sees it."


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--site", "site_name", metavar="SITE", required=True, help="The site whose blog it is.")
@click.option("--url", metavar="URL", required=True, help=URL_HELP)
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE", help="wordpress: write the plug-in there.")
@with_settings(*STORAGE)
def connect(settings: Settings, name: str, site_name: str, url: str, write: Path | None) -> None:
    """Show how to connect one blog, step by step.

    \b
    wordpress         a must-use plug-in (--write FILE) that sends what Akismet asks to Hamlet
    coral             what to enter in its admin form
    discourse flarum  clients that can call rest.akismet.com alone
    npm pypi          libraries, with the lines of code
    hosts             leading rest.akismet.com to Hamlet on one machine
    nginx caddy       a proxy with TLS in front of Hamlet
    """
    from api.wiring import open_sites

    if name not in NAMES:
        raise BadSetting("NAME", f"nothing is known of {name!r}; there are {', '.join(NAMES)}")
    if write is not None and name != PLUGIN:
        raise BadSetting("--write", f"only {PLUGIN} has a file to be written")
    words = _words(settings, url, open_sites(settings).site(site_name).name)
    if write is not None:
        write_plugin(write, words)
        click.echo(f"wrote {write}; put it into wp-content/mu-plugins/ of the blog", err=True)
        return
    click.echo(filled(f"{name}.txt", words), nl=False)


def _words(settings: Settings, url: str, site: str) -> dict[str, str]:
    """What the placeholders stand for; refuses an address that cannot be meant."""
    try:
        target = take_apart(url)
    except BadAddress as error:
        raise BadSetting("--url", error.why) from error
    parts = urlsplit(url)
    if target.host == "rest.akismet.com" or target.host.endswith(".rest.akismet.com"):
        raise BadSetting("--url", "that is the service that Hamlet stands in for; give Hamlet's own address")
    if parts.query or parts.fragment or not _is_plain(parts.path):
        raise BadSetting("--url", "must be an address without query, such as https://hamlet.example")
    host = f"[{target.host}]" if ":" in target.host else target.host
    upstream = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  # Not listened on.
    return {
        "SITE": site,
        "URL": f"{target.scheme}://{target.name}{parts.path.rstrip('/')}",
        "SCHEME": target.scheme,
        "HOST": host,
        "PORT": str(target.port),
        "NETLOC": target.name,
        "UPSTREAM": f"{upstream}:{settings.port}",
    }


def _is_plain(path: str) -> bool:
    """Whether a path can stand between the quotes of any language."""
    return all(sign.isascii() and (sign.isalnum() or sign in "/-._~") for sign in path)


def filled(file: str, words: dict[str, str]) -> str:
    """A file with its placeholders replaced."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def write_plugin(file: Path, words: dict[str, str]) -> None:
    """Write the plug-in; never over something else."""
    text = filled(f"{PLUGIN}.php", words)
    try:
        if file.exists() and "hamlet_answer" not in file.read_text(encoding="utf-8", errors="replace"):
            raise BadSetting("--write", f"{file} is something else; it is left as it is")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadSetting("--write", f"{file}: {error.strerror}") from error
