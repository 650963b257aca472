"""Rules as Reddit's AutoModerator has them: YAML documents of checks, modifiers and an action.

A document becomes rules only if it has one check, since ours know no "and"; whatever is not taken over is reported
with its line. Nothing of a document is run or constructed: its nodes are read as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from moderation.errors import BadRule
from moderation.rules.imported import Imported, Skipped, as_text, escaped, is_plain_words
from moderation.rules.rule import Action, RuleKind

MOST_BYTES = 1 << 20
MOST_DEPTH = 8
"""AutoModerator itself knows three levels."""
ACTIONS = {
    "remove": Action.BLOCK,
    "spam": Action.BLOCK,
    "filter": Action.HOLD,
    "report": Action.HOLD,
    "approve": Action.ALLOW,
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # The one in C is ten times faster, and not always built.

_TEXT_FIELDS = frozenset({"body", "title+body", "body+title"})
_MATCHES = {
    "includes-word": r"(?:^|\W|\b){}(?:$|\W|\b)",
    "includes": "{}",
    "starts-with": "^{}",
    "ends-with": "{}$",
    "full-exact": "^{}$",
    "full-text": r"^\W*{}\W*$",
}
_MODIFIERS = frozenset({*_MATCHES, "regex", "case-sensitive"})
_ABOUT = frozenset({"action", "action_reason", "report_reason", "type"})
_BESIDE = frozenset(
    {"comment", "comment_stickied", "comment_locked", "message", "message_subject", "modmail", "modmail_subject"}
    | {"set_locked", "set_sticky", "set_nsfw", "set_spoiler", "set_flair", "overwrite_flair", "priority"}
    | {"moderators_exempt", "set_suggested_sort", "set_contest_mode", "set_original_content", "set_post_crowd_control"}
)
"""Keys that say what else is done, not who is met."""
_KEY = re.compile(r"(?P<not>~?)(?P<field>[a-z_+ ]+?)(?:#\w+)?(?:\s*\((?P<modifiers>[^()]*)\))?", re.IGNORECASE)
_TYPES = frozenset({"any", "comment"})


@dataclass(frozen=True, slots=True)
class _Check:
    """One condition of a document."""

    line: int
    key: str
    field: str
    modifiers: frozenset[str]
    values: tuple[tuple[int, str], ...]
    """Each with its line."""


class _Unsupported(Exception):
    """Why a document, or a key of it, cannot be taken over."""

    def __init__(self, line: int, entry: str, why: str) -> None:
        super().__init__(why)
        self.skipped = Skipped(line, entry, why)


def read_automoderator(raw: bytes) -> Imported:
    """Read rules; :class:`~moderation.errors.BadRule` if the file is no YAML, or none that is safe to read."""
    text = as_text(raw, MOST_BYTES)
    found = Imported()
    try:
        _refuse_bombs(text)
        for document in yaml.compose_all(text, Loader=_LOADER):
            if document is not None:
                _read_document(document, found)
    except yaml.YAMLError as error:
        raise BadRule(f"not YAML: {' '.join(str(error).split())[:300]}", "$") from error
    return found


def _refuse_bombs(text: str) -> None:
    """Refuse what makes a small file large (aliases) or deep, before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise BadRule(f"line {line}: aliases (*{event.anchor}) are not read; write it out", "$")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                raise BadRule(f"line {line}: nested more than {MOST_DEPTH} levels deep; no rule needs that", "$")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _read_document(document: yaml.Node, found: Imported) -> None:
    line = document.start_mark.line + 1
    try:
        pairs = _pairs(document)
        action, note = _action_of(pairs, line), _note_of(pairs)
        check = _only_check(pairs, line, found)
        mapped = list(_mapped(check))
    except _Unsupported as error:
        found.skipped.append(error.skipped)
        return
    for at, entry, kind, value in mapped:
        found.take(at, entry, action, kind, value, note)


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _Unsupported(node.start_mark.line + 1, _shown(node), "a rule is a mapping of keys, such as `body: spam`")
    return list(node.value)


def _action_of(pairs: list[tuple[yaml.Node, yaml.Node]], line: int) -> Action:
    named = next((value for key, value in pairs if key.value == "action"), None)
    if named is None:
        raise _Unsupported(line, "the rule", "it has no action, so there is nothing to take over")
    if not isinstance(named, yaml.ScalarNode) or named.value not in ACTIONS:
        why = f"there is no such action here; known are {', '.join(ACTIONS)}"
        raise _Unsupported(named.start_mark.line + 1, f"action: {_shown(named)}", why)
    return ACTIONS[named.value]


def _note_of(pairs: list[tuple[yaml.Node, yaml.Node]]) -> str:
    reasons = [value for key, value in pairs if key.value in ("action_reason", "report_reason")]
    return next((reason.value for reason in reasons if isinstance(reason, yaml.ScalarNode)), "")


def _only_check(pairs: list[tuple[yaml.Node, yaml.Node]], line: int, found: Imported) -> _Check:
    """The one condition; what is beside the conditions is noted as ignored."""
    checks: list[_Check] = []
    ignored: list[Skipped] = []
    for key, value in pairs:
        name, at = str(key.value).strip(), key.start_mark.line + 1
        if name == "type" and not (isinstance(value, yaml.ScalarNode) and value.value in _TYPES):
            raise _Unsupported(at, f"type: {_shown(value)}", "only comments come here")
        if name in _BESIDE:
            ignored.append(Skipped(at, name, "says what else is done; the rule itself was taken"))
        elif name == "author" and isinstance(value, yaml.MappingNode):
            checks += [_check(f"author.{one.value}", one, its) for one, its in value.value]
        elif name not in _ABOUT:
            checks.append(_check("author.name" if name == "author" else name, key, value))
    if len(checks) > 1:
        both = " and ".join(f"`{one.key}`" for one in checks)
        raise _Unsupported(line, "the rule", f"it needs {both} together, and a rule here looks at one thing")
    if not checks:
        raise _Unsupported(line, "the rule", "it has no condition, so it would meet every comment")
    found.ignored += ignored
    return checks[0]


def _check(name: str, key: yaml.Node, value: yaml.Node) -> _Check:
    line = key.start_mark.line + 1
    match = _KEY.fullmatch(name.replace("author.", "", 1))
    if match is None:
        raise _Unsupported(line, name, "cannot be read as a field with modifiers")
    if match["not"]:
        raise _Unsupported(line, name, "rules here cannot say what must not be there (~)")
    modifiers = frozenset(one.strip() for one in (match["modifiers"] or "").split(",") if one.strip())
    if modifiers - _MODIFIERS:
        strange = ", ".join(sorted(modifiers - _MODIFIERS))
        raise _Unsupported(line, name, f"unknown modifier {strange}; known are {', '.join(sorted(_MODIFIERS))}")
    prefix = "author." if name.startswith("author.") else ""
    field = "+".join(part.strip() for part in match["field"].split("+"))
    return _Check(line, name, prefix + field, modifiers, tuple(_values(name, line, value)))


def _values(name: str, line: int, value: yaml.Node) -> Iterator[tuple[int, str]]:
    for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
        if not isinstance(one, yaml.ScalarNode):
            raise _Unsupported(line, name, "its value is neither a text nor a list of texts")
        yield one.start_mark.line + 1, one.value


def _mapped(check: _Check) -> Iterator[tuple[int, str, RuleKind, str]]:
    """Line, entry, kind and value of each rule a check becomes."""
    kind_of: Callable[[_Check, str], tuple[RuleKind, str]]
    if check.field == "domain" and not check.modifiers - {"full-exact"}:
        kind_of = _as_domain
    elif check.field == "author.name" and not check.modifiers - {"full-exact", "includes-word"}:
        kind_of = _as_name
    elif check.field in _TEXT_FIELDS:
        kind_of = _as_text
    else:
        raise _Unsupported(check.line, check.key, "no kind of rule looks at this; there are domain, body, author name")
    for line, value in check.values:
        yield line, f"{check.key}: {value}", *kind_of(check, value)


def _as_domain(_: _Check, value: str) -> tuple[RuleKind, str]:
    return RuleKind.DOMAIN, value


def _as_name(_: _Check, value: str) -> tuple[RuleKind, str]:
    return RuleKind.NAME, value


def _as_text(check: _Check, value: str) -> tuple[RuleKind, str]:
    how = next((name for name in _MATCHES if name in check.modifiers), "includes-word")
    as_regex, sensitive = "regex" in check.modifiers, "case-sensitive" in check.modifiers
    if how == "includes-word" and not as_regex and not sensitive and is_plain_words(value):
        return RuleKind.WORD, value
    pattern = _MATCHES[how].format(f"(?:{value})" if as_regex else escaped(value))
    # There a dot also stands for the end of a line.
    return RuleKind.REGEX, f"(?{'s-i' if sensitive else 's'}:{pattern})" if as_regex or sensitive else pattern


def _shown(node: yaml.Node) -> str:
    return str(node.value)[:60] if isinstance(node, yaml.ScalarNode) else "…"
