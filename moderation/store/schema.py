"""The tables. Migrations end here: a test compares both.

Times are milliseconds since 1970, UTC, in 64-bit integers. Revisions, verdicts and reviews are only ever added.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Function,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    ScalarSelect,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def first_of(table: Table) -> ScalarSelect[int]:
    """The lowest number that a comment has in a table of its revisions, verdicts or reviews, for a query of it."""
    return _bound(table, func.min)


def last_of(table: Table) -> ScalarSelect[int]:
    """The highest."""
    return _bound(table, func.max)


def _bound(table: Table, of: Callable[[Column[int]], Function[int]]) -> ScalarSelect[int]:
    other = table.alias()
    found = select(of(other.c.number)).where(other.c.comment_id == table.c.comment_id)
    return found.correlate(table).scalar_subquery()


facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    comment="Facts about this database, such as which secret its hashes were made with",
)

sites = Table(
    "sites",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("policy", Text, nullable=False, comment="JSON: what the site has chosen for itself"),
    Column("policy_number", Integer, nullable=False, comment="Counts the changes of policy and rules"),
    Column("created_at", BigInteger, nullable=False),
    Column("model", Integer, comment="Number of the site's own model that serves; null: the base model"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("site_id", ForeignKey("sites.id"), nullable=False, index=True),
    Column("prefix", String(4), nullable=False),
    Column("digest", String(64), nullable=False, unique=True, comment="HMAC-SHA-256 of the key"),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

comments = Table(
    "comments",
    metadata,
    Column("id", String(32), primary_key=True, comment="Sorts by time of arrival"),
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("external_id", String(255), comment="The site's own id"),
    Column("is_test", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("site_id", "external_id"),
    Index("ix_comments_site_id_id", "site_id", "id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the content"),
    Column("body", Text, nullable=False, comment="The comment as JSON, as its site sent it"),
    Column("received_at", BigInteger, nullable=False),
    Column("traces", Text, nullable=False, comment="JSON: the records that count the comment; of the first alone"),
    PrimaryKeyConstraint("comment_id", "number"),
)
_changed = revisions.c.number > 1
Index("ix_revisions_changed_at", revisions.c.received_at, sqlite_where=_changed, postgresql_where=_changed)

verdicts = Table(
    "verdicts",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1"),
    Column("revision", Integer, nullable=False),
    Column("decision", String(6), nullable=False),
    Column("scores", Text, nullable=False, comment="JSON: head to probability"),
    Column("baseline", Text, nullable=False, comment="JSON: head to log-odds before any evidence"),
    Column("reasons", Text, nullable=False, comment="JSON"),
    Column("model", String(64), nullable=False),
    Column("policy", String(128), nullable=False),
    Column("judged_at", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False, comment="JSON: what signals found, to learn their weights from"),
    PrimaryKeyConstraint("comment_id", "number"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1; the newest counts"),
    Column(
        "outcome", String(5), nullable=False, comment="ham, spam, abuse, other; open: queued again; none: taken back"
    ),
    Column("reviewer", String(64), nullable=False),
    Column("note", Text),
    Column("reviewed_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("comment_id", "number"),
)


def first_on_revision() -> ScalarSelect[int]:
    """The number of the first verdict on a revision, for a query of both: before anybody asked for another one."""
    other = verdicts.alias()
    mine = other.c.comment_id == revisions.c.comment_id, other.c.revision == revisions.c.number
    return select(func.min(other.c.number)).where(*mine).correlate(revisions).scalar_subquery()


records = Table(
    "records",
    metadata,
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("trace", String(80), nullable=False, comment="Kind and key: email:<keyed hash>, domain:example.com"),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("ham", Integer, nullable=False, comment="By the newest review of each comment"),
    Column("spam", Integer, nullable=False),
    Column("abuse", Integer, nullable=False),
    Column("hour", Integer, nullable=False, comment="Hour of the newest comment, counted from 1970"),
    Column("in_hour", Integer, nullable=False, comment="Comments in it"),
    Column("before", Integer, nullable=False, comment="Comments in the hour before it"),
    PrimaryKeyConstraint("site_id", "trace"),
    sqlite_with_rowid=False,
)

traces = Table(
    "traces",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("trace", String(80), nullable=False),
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    PrimaryKeyConstraint("site_id", "trace", "comment_id"),
    sqlite_with_rowid=False,
    comment="Comments by what they are traced to",
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("id", String(32), nullable=False, comment="Id of its first comment"),
    Column("signature", LargeBinary, nullable=False, comment="MinHash of its first comment"),
    Column("seen_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("site_id", "id"),
    sqlite_with_rowid=False,
)

bands = Table(
    "bands",
    metadata,
    Column("site_id", Integer, nullable=False),
    Column("band", BigInteger, nullable=False, comment="A key that near-copies share"),
    Column("campaign", String(32), nullable=False),
    Column("seen_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("site_id", "band"),
    sqlite_with_rowid=False,
)

rules = Table(
    "rules",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("site_id", ForeignKey("sites.id"), nullable=False, index=True),
    Column("action", String(5), nullable=False, comment="allow, block or hold"),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("hits", Integer, nullable=False),
    Column("last_hit_at", BigInteger),
)

queue = Table(
    "queue",
    metadata,
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("campaign", String(32), nullable=False),
    Column("head", String(32), nullable=False, comment="The head that asked for a person; empty: a rule or the mode"),
    Column("reason", String(32), nullable=False, comment="Code of the first reason"),
    Column("language", String(32), nullable=False),
    Column("author", String(80), nullable=False, comment="The trace that tells its author best; empty: none"),
    Column("author_name", String(80), nullable=False),
    Column("address", String(80), nullable=False, comment="Trace of the IP address, to count senders by"),
    Column("post", String(200), nullable=False),
    Column("domains", Text, nullable=False, comment="JSON: registered domains that it links to"),
    Column("words", Text, nullable=False, comment="What a search looks into, in lower case"),
    Column("urgent", Integer, nullable=False, comment="Lowest first, and so the next two"),
    Column("certain", Integer, nullable=False),
    Column("informative", Integer, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    Column("claimed_by", String(64)),
    Column("claimed_until", BigInteger),
    PrimaryKeyConstraint("site_id", "comment_id"),
    Index("ix_queue_comment_id", "comment_id", unique=True),
    Index("ix_queue_site_id_campaign_comment_id", "site_id", "campaign", "comment_id"),
    Index("ix_queue_site_id_urgent_comment_id", "site_id", "urgent", "comment_id"),
    Index("ix_queue_site_id_certain_comment_id", "site_id", "certain", "comment_id"),
    Index("ix_queue_site_id_informative_comment_id", "site_id", "informative", "comment_id"),
    comment="Comments that wait for a person",
)

decisions = Table(
    "decisions",
    metadata,
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1, by site, without gaps when written"),
    Column("comment_id", String(32), nullable=False, index=True),
    Column("external_id", String(255)),
    Column("decision", String(6), nullable=False, comment="What the site should do from now on"),
    Column("outcome", String(5), comment="What a person said; null: nobody, or it was taken back"),
    Column("decided_by", String(64), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("site_id", "number"),
    sqlite_with_rowid=False,
    comment="What the site is to be told: its webhook's outbox, and the feed it may poll",
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("site_id", ForeignKey("sites.id"), primary_key=True),
    Column("url", String(2_000), nullable=False),
    Column("salt", String(32), nullable=False, comment="With the installation's secret: the key of its signatures"),
    Column("delivered", Integer, nullable=False, comment="Number of the last decision that was taken"),
    Column("attempts", Integer, nullable=False, comment="Failures since"),
    Column("next_at", BigInteger, nullable=False),
    Column("last_at", BigInteger),
    Column("last_error", Text),
    Column("created_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("site_id", ForeignKey("sites.id"), comment="Null: the installation"),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("via", String(16), nullable=False, comment="dashboard, api, command, mail or machine"),
    Column("action", String(32), nullable=False),
    Column("comment_id", String(32), index=True),
    Column("detail", Text, nullable=False, comment="JSON"),
    Index("ix_audit_site_id_id", "site_id", "id"),
    Index("ix_audit_site_id_actor_id", "site_id", "actor", "id"),
    comment="Everything that people, or the machine beside its verdicts, did",
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", String(255), nullable=False, comment="Argon2id"),
    Column("preferences", Text, nullable=False, comment="JSON"),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("site_id", ForeignKey("sites.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False, comment="owner, moderator or viewer"),
    PrimaryKeyConstraint("user_id", "site_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True, comment="HMAC-SHA-256 of the token in the cookie"),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("about", String(200), nullable=False, comment="The browser, as it calls itself"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("digest", String(64), primary_key=True, comment="HMAC-SHA-256 of the one-time token"),
    Column("site_id", ForeignKey("sites.id"), comment="Null: all there are (the first owner)"),
    Column("role", String(16), nullable=False),
    Column("user_id", ForeignKey("users.id"), comment="Whose password it sets anew; null: a new user's"),
    Column("created_by", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

models = Table(
    "models",
    metadata,
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1, by site"),
    Column("manifest", Text, nullable=False, comment="JSON; names its arrays by their SHA-256"),
    Column("training", Text, nullable=False, comment="JSON: labels used, figures, what the gate said"),
    Column("created_by", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("promoted_at", BigInteger, comment="When it last came into service; null: never"),
    Column("replaced", Integer, comment="Number of the model that served before; null: the base model"),
    PrimaryKeyConstraint("site_id", "number"),
    comment="Models that sites have learnt",
)

arrays = Table(
    "arrays",
    metadata,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of the file"),
    Column("data", LargeBinary, nullable=False, comment="The .npy file, compressed (zlib)"),
    comment="Arrays of models, shared by those that have the same",
)

samples = Table(
    "samples",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), primary_key=True),
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("share", Float, nullable=False, comment="The chance it had to be drawn, whatever was decided"),
    Index("ix_samples_site_id_comment_id", "site_id", "comment_id"),
    comment="Comments drawn at random for a person, to measure errors by",
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
    comment="Work that one process at a time may do",
)

attempts = Table(
    "attempts",
    metadata,
    Column("place", String(80), primary_key=True, comment="Keyed hash of an account's name or of an address"),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    comment="Failed sign-ins, to slow down who guesses",
)

receivers = Table(
    "receivers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("url", String(500), nullable=False),
    Column("key", Text, nullable=False, comment="The key it was called with last, encrypted"),
    Column("delivered", Integer, nullable=False, comment="Number of the last decision that is done with"),
    Column("attempts", Integer, nullable=False, comment="Failures since"),
    Column("next_at", BigInteger, nullable=False),
    Column("last_at", BigInteger),
    Column("last_error", Text),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("site_id", "url"),
    comment="Where clients of the Akismet protocol are called back",
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), primary_key=True),
    Column("receiver_id", ForeignKey("receivers.id"), nullable=False, index=True),
    Column("guid", String(36), nullable=False, comment="Of its newest check; the client knows it by this"),
    Column("post", String(64), comment="Number of the post at the client"),
    Column("parent", String(64)),
    comment="Comments whose later decisions a client wants to hear",
)

clients = Table(
    "clients",
    metadata,
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("prefix", String(4), nullable=False, comment="First digits of the key"),
    Column("surface", String(16), nullable=False, comment="Which of the protocols"),
    Column("agent", String(200), nullable=False, comment="The client, as it calls itself"),
    Column("calls", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("last_error", Text),
    Column("last_error_at", BigInteger),
    Column("hour", Integer, nullable=False, comment="Hour of the newest feedback, counted from 1970"),
    Column("in_hour", Integer, nullable=False, comment="Feedback in it"),
    Column("flooded_at", BigInteger, comment="When it last gave more feedback in an hour than people can"),
    PrimaryKeyConstraint("site_id", "prefix", "surface"),
    comment="Who calls, by key and protocol",
)

strangers = Table(
    "strangers",
    metadata,
    Column("digest", String(64), primary_key=True, comment="Keyed hash of address, client, protocol and site"),
    Column("site_id", ForeignKey("sites.id"), comment="Whose key it was before it was revoked; null: nobody's"),
    Column("surface", String(16), nullable=False),
    Column("address", String(12), nullable=False, comment="Beginning of a keyed hash, to tell senders apart"),
    Column("agent", String(200), nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
    comment="Calls with a key that is none",
)

incumbents = Table(
    "incumbents",
    metadata,
    Column("site_id", ForeignKey("sites.id"), primary_key=True),
    Column("url", String(500), nullable=False),
    Column("key", Text, nullable=False, comment="Encrypted"),
    Column("created_at", BigInteger, nullable=False),
    comment="Services that sites ask beside Hamlet, to compare",
)

opinions = Table(
    "opinions",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), primary_key=True),
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("ours", String(6), nullable=False, comment="The decision of Hamlet then"),
    Column("theirs", String(5), nullable=False, comment="spam, ham, or error"),
    Column("asked_at", BigInteger, nullable=False),
    Index("ix_opinions_site_id_asked_at", "site_id", "asked_at"),
    comment="What an incumbent service said of comments; nothing is decided by it",
)
