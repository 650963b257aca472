"""``hamlet serve``."""

from __future__ import annotations

import errno
import logging
import os
import socket

import click

from api.cli.links import base_url, welcome_link
from api.cli.options import MODEL, STORAGE, with_settings
from moderation.errors import HamletError
from moderation.settings import Settings

DEMO = "demo"
LISTENING = ("host", "port", "workers", "threads")


class PortInUse(HamletError):
    """Somebody listens there already."""

    hint = "stop the other server, or choose another port with --port (HAMLET_PORT)"


@click.command()
@click.option("--demo", is_flag=True, help="Create the site 'demo' on the first run and show its key once.")
@with_settings(*LISTENING, *STORAGE, "durability", *MODEL, "model_cache", "max_body", "webhook_hosts")
def serve(settings: Settings, demo: bool) -> None:
    """Serve the API.

    Brings the database to the newest version, checks the model, and answers until it is told to stop (Ctrl-C).
    Comments and verdicts are stored before they are answered.
    """
    from api.wiring import load_classifier, open_people

    refuse_taken_port(settings.host, settings.port)
    people, sites = open_people(settings)
    model = load_classifier(settings)
    base = base_url(settings)
    if demo and not any(site.name == DEMO for site in sites.all()):
        sites.create_site(DEMO)
        _show_demo(base, sites.create_key(DEMO))
    elif demo:
        click.echo(f"The site '{DEMO}' has its key since the first run; another one: hamlet keys create {DEMO}")
    token = people.first_token()
    if token is not None:
        click.echo(f"create the first account: {welcome_link(settings, token)}")
    click.echo(f"Hamlet serves {model.name} on {base}  (database {settings.database}, docs {base}/docs)")
    run(settings)


def _show_demo(base: str, key: str) -> None:
    click.echo(f"Created the site '{DEMO}'. Its key, shown only now:\n\n    {click.style(key, bold=True)}\n\nTry it:\n")
    body = '{"id": "try-1", "text": "Cheap pills without prescription at http://best-pills.example/buy !!!"}'
    click.echo(f"    curl -s {base}/v1/comments -H 'Authorization: Bearer {key}' \\")
    click.echo(f"      -H 'Content-Type: application/json' -d '{body}'\n")


def refuse_taken_port(host: str, port: int) -> None:
    """Raise :class:`PortInUse` now rather than let every worker fail."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(f"port {port} on {host} is in use") from error
            raise PortInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def run(settings: Settings) -> None:
    """Run the workers until they are told to stop."""
    from granian import Granian
    from granian.constants import Interfaces

    from api.cli.chores import HOUSEKEEPING, TRAINING
    from api.cli.delivering import keep_delivering

    # The workers are other processes: they read the settings from the environment.
    os.environ.update(settings.as_environment())
    os.environ.pop("HAMLET_CONFIG", None)
    logging.basicConfig(level=logging.WARNING)
    stops = HOUSEKEEPING.keep_doing(), TRAINING.keep_doing(), keep_delivering()
    server = Granian(
        "api:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        websockets=False,
        log_access=False,
        log_level="warning",  # type: ignore[arg-type]  # An enum of strings.
        respawn_failed_workers=True,
    )
    try:
        server.serve()
    finally:
        for stop in stops:
            stop()
