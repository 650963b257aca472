"""``hamlet sites``."""

from __future__ import annotations

import click

from api.cli.incumbent import KEY, URL, incumbent, set_incumbent
from api.cli.options import MODEL, STORAGE, with_settings
from api.cli.tables import show
from moderation.errors import BadSetting
from moderation.settings import Settings

YES_OR_NO = ("akismet_discard", "perspective_omit_unknown")
SHARES = ("spot_checks", "most_ham_rejected", "most_spam_accepted")
LEARNING = (*SHARES, "retrain_after", "retrain_hours")
CHOICES = ("mode", "flood_per_hour", "trusted_hops", "keep_addresses_days", "akismet_hold", *YES_OR_NO, *LEARNING)


@click.group()
def sites() -> None:
    """Create, list and set up sites (a site is one blog)."""


sites.add_command(incumbent)


@sites.command()
@click.argument("name")
@with_settings(*STORAGE)
def create(settings: Settings, name: str) -> None:
    """Create the site NAME and show its first key, once."""
    from api.wiring import open_sites

    opened = open_sites(settings)
    try:
        opened.create_site(name)
    except ValueError as error:
        raise BadSetting("NAME", str(error)) from error
    click.echo(opened.create_key(name))
    click.echo(f"created {name}; above is its key, shown only now", err=True)


@sites.command(name="list")
@with_settings(*STORAGE)
def list_(settings: Settings) -> None:
    """List the sites and their own thresholds."""
    from api.wiring import open_sites

    rows = [(site.name, _changes(site.choices.thresholds)) for site in open_sites(settings).all()]
    show("Sites", ("name", "own thresholds"), rows)


@sites.command()
@click.argument("name")
@click.argument("head", required=False)
@click.option(
    "--hold-at", metavar="SCORE", help="Hold from this score on (0 to 1, or 'never', or 'model' for the model's own)."
)
@click.option("--reject-at", metavar="SCORE", help="Reject from this score on (likewise).")
@with_settings(*STORAGE, *MODEL)
def policy(settings: Settings, name: str, head: str | None, hold_at: str | None, reject_at: str | None) -> None:
    """Show the thresholds of the site NAME, or change those of one HEAD.

    \b
    hamlet sites policy myblog
    hamlet sites policy myblog spam --hold-at 0.4 --reject-at never
    """
    import msgspec

    from api.wiring import load_classifier, open_sites
    from moderation.policy import Override, make_policy

    if head is None and (hold_at or reject_at):
        raise BadSetting("HEAD", "say whose thresholds these are, such as: hamlet sites policy NAME spam --hold-at 0.4")
    opened, model = open_sites(settings), load_classifier(settings)
    site = opened.site(name)
    if head is not None:
        if head not in model.heads:
            raise BadSetting("HEAD", f"{model.name} has no head {head!r}; it has {', '.join(model.heads)}")
        change = site.choices.thresholds.get(head, Override())
        if hold_at is not None:
            change = msgspec.structs.replace(change, hold_at=_threshold("--hold-at", hold_at))
        if reject_at is not None:
            change = msgspec.structs.replace(change, reject_at=_threshold("--reject-at", reject_at))
        choices = msgspec.structs.replace(site.choices, thresholds={**site.choices.thresholds, head: change})
        make_policy(model.manifest, choices)  # Refuses nonsense before it is kept.
        site = opened.choose(name, choices)
    made = make_policy(model.manifest, site.choices, site.policy_number, forgiving=True)
    rows = [
        (one, _shown(limits.hold_at), _shown(limits.reject_at))
        for one, limits in zip(model.heads, made.thresholds, strict=True)
    ]
    show(f"Policy {made.version} of {name}", ("head", "hold at", "reject at"), rows)


@sites.command(name="set")
@click.argument("name")
@click.argument("choice", type=click.Choice((*CHOICES, KEY, URL)))
@click.argument("value")
@with_settings(*STORAGE, *MODEL)
def set_(settings: Settings, name: str, choice: str, value: str) -> None:
    """Make a CHOICE for the site NAME.

    \b
    mode                 enforce, shadow (always answers accept), hold-first-timers or closed
    flood_per_hour       comments an hour from which on near-copies are held; 0: never
    trusted_hops         proxies of the site's own in a comment's chain of addresses
    keep_addresses_days  days until e-mail, IP address and user agent are taken out; 0: never
    akismet_hold         what Akismet clients hear of what is held: spam, pending (WordPress alone) or publish
    akismet_discard      yes: they are told to throw away what is rejected; no: to keep it as spam
    spot_checks          share of all comments that a person looks at whatever was decided, such as 0.02; 0: none
    most_ham_rejected    the promise: with 95 % confidence no more of the ham is rejected, such as 0.002
    most_spam_accepted   likewise no more of the spam and abuse is accepted, such as 0.05
    retrain_after        labels after which a running server trains the site's model; 0: never by itself
    retrain_hours        hours after which it does, if there are new labels; 0: not by the clock
    incumbent_key        key of the service the site had before: it is asked, too, to compare; none: no more
    incumbent_url        where that is, if not at Akismet
    perspective_omit_unknown
                         yes: attributes that Hamlet does not score are left out for Perspective clients; no: refused
    """
    from api.wiring import load_classifier, open_sites
    from moderation.policy import changed, check_choices

    if choice in (KEY, URL):
        set_incumbent(settings, name, choice, value)
        return
    opened, model = open_sites(settings), load_classifier(settings)
    choices = changed(opened.site(name).choices, {choice: _chosen(choice, value)})
    check_choices(model.manifest, choices)
    opened.choose(name, choices)
    click.echo(f"{name}: {choice} is {value}")


@sites.command()
@click.argument("name")
@click.option("--off", multiple=True, metavar="CODE", help="Switch a signal off.")
@click.option("--on", multiple=True, metavar="CODE", help="Switch a signal on.")
@with_settings(*STORAGE, *MODEL)
def signals(settings: Settings, name: str, off: tuple[str, ...], on: tuple[str, ...]) -> None:
    """Show the signals of the site NAME, or switch some on and off."""
    import msgspec

    from api.wiring import load_classifier, open_sites
    from moderation.policy import check_choices
    from moderation.signals import BY_CODE, SIGNALS

    opened = open_sites(settings)
    choices = opened.site(name).choices
    if off or on:
        for code in on:
            if code not in BY_CODE:
                raise BadSetting("--on", f"no signal {code!r}; there are {', '.join(BY_CODE)}")
        chosen = tuple(code for code in dict.fromkeys((*choices.signals_off, *off)) if code not in on)
        choices = msgspec.structs.replace(choices, signals_off=chosen)
        check_choices(load_classifier(settings).manifest, choices)
        opened.choose(name, choices)
    rows = [
        (
            one.code,
            "off" if one.code in choices.signals_off else "on",
            f"{one.weighs(choices.weights):+.2f}" + (" learnt" if one.code in choices.weights else ""),
            one.about,
        )
        for one in SIGNALS
    ]
    show(f"Signals of {name}", ("signal", "", "log-odds of spam", "what it looks for"), rows)


def _chosen(choice: str, text: str) -> object:
    if choice in ("mode", "akismet_hold"):
        return text
    if choice in SHARES:
        return _share(choice, text)
    return _yes_or_no(choice, text) if choice in YES_OR_NO else _whole(choice, text)


def _share(choice: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadSetting(choice, f"must be a share such as 0.02, got {text!r}") from error


def _yes_or_no(choice: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise BadSetting(choice, f"must be yes or no, got {text!r}")
    return text == "yes"


def _whole(choice: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadSetting(choice, f"must be a whole number, got {text!r}") from error


def _threshold(flag: str, text: str) -> object:
    import msgspec

    if text in ("never", "model"):
        return None if text == "never" else msgspec.UNSET
    try:
        return float(text)
    except ValueError as error:
        raise BadSetting(flag, f"must be a number from 0 to 1, 'never' or 'model', got {text!r}") from error


def _shown(threshold: float | None) -> str:
    return "never" if threshold is None else f"{threshold:.4f}"


def _changes(overrides: object) -> str:
    import msgspec

    return msgspec.json.encode(overrides).decode() if overrides else "the model's"
