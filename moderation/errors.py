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


class ModelNotFound(ArtifactError):
    """No model folder of that name."""


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
