"""Everything Hamlet can refuse to do. Errors carry facts; the edges (HTTP, CLI) decide how to show them."""

from __future__ import annotations

from pathlib import Path


class HamletError(Exception):
    """Any expected failure. ``hint`` says what the reader can do."""

    hint: str = ""


class BadComment(HamletError):
    """A comment that does not have the one format."""

    def __init__(self, what: str, at: str = "$") -> None:
        super().__init__(f"{what} - at `{at}`" if at != "$" else what)
        self.what, self.at = what, at


class BadSetting(HamletError):
    """A setting that makes no sense."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


class ArtifactError(HamletError):
    """A model folder that cannot be trusted or read."""

    hint = "restore the folder from the release (git checkout models/), or name another model with --model"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"model {folder}: {why}")
        self.folder, self.why = folder, why


class OtherFeatures(ArtifactError):
    """A model that another version of Hamlet made, which saw other things in comments."""

    hint = "train a new one (hamlet train); until then the base model serves"


class ModelNotFound(ArtifactError):
    """No model folder of that name."""


class NothingBefore(HamletError):
    """There is no model to go back to."""

    hint = "hamlet models list shows what there is"

    def __init__(self) -> None:
        super().__init__("the base model serves: there is nothing before it")


class StoreUnavailable(HamletError):
    """The database did not take or give the data just now; nothing was stored."""

    hint = "send the same comment again; with its own id it is never judged twice"

    def __init__(self, why: str, retry_after: int = 1) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class SchemaMismatch(HamletError):
    """The database is not at the version this code needs."""

    hint = "run: hamlet db upgrade"


class CommentNotFound(HamletError):
    def __init__(self, comment_id: str) -> None:
        super().__init__(f"no comment {comment_id} on this site")
        self.comment_id = comment_id


class SiteNotFound(HamletError):
    hint = "run: hamlet sites list"

    def __init__(self, name: str) -> None:
        super().__init__(f"no site named {name!r}")
        self.name = name


class SiteExists(HamletError):
    def __init__(self, name: str) -> None:
        super().__init__(f"a site named {name!r} exists already")
        self.name = name


class KeyNotFound(HamletError):
    hint = "run: hamlet keys list"

    def __init__(self, prefix: str, why: str = "no key begins with it") -> None:
        super().__init__(f"key {prefix}: {why}")
        self.prefix = prefix


class BadRule(HamletError):
    """A rule that makes no sense. Says what is wrong and what would be right."""

    def __init__(self, what: str, at: str = "$.value") -> None:
        super().__init__(what if at in ("$", "$.value") else f"{what} - at `{at}`")
        self.what, self.at = what, at


class RuleNotFound(HamletError):
    hint = "the site's rules: hamlet rules list, or GET /v1/rules"

    def __init__(self, rule_id: int) -> None:
        super().__init__(f"no rule {rule_id} on this site")
        self.rule_id = rule_id


class RuleExists(HamletError):
    hint = "change that one's note or expiry, or remove it first"

    def __init__(self, rule_id: int, what: str) -> None:
        super().__init__(f"rule {rule_id} says the same already ({what})")
        self.rule_id = rule_id


# -- People


class BadName(HamletError):
    """A name that an account cannot have."""

    def __init__(self, why: str) -> None:
        super().__init__(f"a name {why}")
        self.why = why


class BadPassword(HamletError):
    """A password that an account cannot have, or that is not the account's."""

    def __init__(self, why: str) -> None:
        super().__init__(f"a password {why}")
        self.why = why


class WrongPassword(BadPassword):
    """The old password, asked for before it is changed, is another one."""

    def __init__(self) -> None:
        HamletError.__init__(self, "the password given is not the account's")
        self.why = "is not the account's"


class BadPreferences(HamletError):
    """Preferences that make no sense."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


class SignInRefused(HamletError):
    """Name and password do not fit, or there were too many failures. Which of them is not told."""

    hint = "look at both again; who has lost a password asks an owner for a link to set a new one"

    def __init__(self, retry_after: int = 0) -> None:
        wait = f"wait {retry_after} seconds and try again" if retry_after else "name and password do not fit"
        super().__init__(f"not signed in: {wait}")
        self.retry_after = retry_after


class BadToken(HamletError):
    """A one-time link that was used, has expired or never was."""

    hint = "ask an owner of the site for a new one"

    def __init__(self) -> None:
        super().__init__("the link was used already, has expired or is not complete")


class UserNotFound(HamletError):
    hint = "run: hamlet users list"

    def __init__(self, name: str) -> None:
        super().__init__(f"no account named {name!r}")
        self.name = name


class UserExists(HamletError):
    hint = "choose another name"

    def __init__(self, name: str) -> None:
        super().__init__(f"an account named {name!r} exists already")
        self.name = name


class LastOwner(HamletError):
    """A site keeps at least one owner who can sign in."""

    hint = "make somebody else an owner first"

    def __init__(self, name: str, site: str) -> None:
        super().__init__(f"{name} is the last owner of {site}")
        self.name, self.site = name, site


class BadFilter(HamletError):
    """A page, a cursor, a search or a bulk act that makes no sense."""


class AlreadySettled(HamletError):
    """Somebody else was quicker."""

    hint = "look at what they said; to change it, review the comment again"

    def __init__(self, comment_id: str, by: str, outcome: str | None, at: int, number: int) -> None:
        said = f"called {outcome}" if outcome else "taken back"
        super().__init__(f"comment {comment_id} was {said} by {by} meanwhile")
        self.comment_id, self.by, self.outcome, self.at, self.number = comment_id, by, outcome, at, number


class Changed(HamletError):
    """The comment is not any more what its reviewer has seen."""

    hint = "look at it as it is now"

    def __init__(self, comment_id: str) -> None:
        super().__init__(f"comment {comment_id} was changed by its site meanwhile")
        self.comment_id = comment_id


class TooLate(HamletError):
    hint = "review the comment anew; the newest review counts"

    def __init__(self, comment_id: str) -> None:
        super().__init__(f"the review of comment {comment_id} is more than a day old and is not taken back any more")
        self.comment_id = comment_id


class NotYours(HamletError):
    hint = "an owner of the site can take it back, or review the comment anew"

    def __init__(self, comment_id: str, by: str) -> None:
        super().__init__(f"the newest review of comment {comment_id} is {by}'s")
        self.comment_id, self.by = comment_id, by


class NothingToUndo(HamletError):
    def __init__(self, comment_id: str) -> None:
        super().__init__(f"comment {comment_id} has no review to take back")
        self.comment_id = comment_id


class BadAddress(HamletError):
    """A URL that nothing is sent to."""

    hint = "give the http:// or https:// address of a host on the internet; others are allowed by webhook_hosts"

    def __init__(self, why: str) -> None:
        super().__init__(f"the address is not taken: {why}")
        self.why = why


class NotTaken(HamletError):
    """Something that was sent outside did not get there, or nothing came back."""


class WebhookNotFound(HamletError):
    hint = "set one: hamlet webhooks set, or PUT /v1/site/webhook"

    def __init__(self, site: str) -> None:
        super().__init__(f"the site {site!r} has no webhook")
        self.site = site


class BadLink(HamletError):
    """A link of a mail that opens nothing (any more)."""

    def __init__(self, why: str, *, expired: bool = False) -> None:
        super().__init__(f"the link {why}")
        self.why, self.expired = why, expired
