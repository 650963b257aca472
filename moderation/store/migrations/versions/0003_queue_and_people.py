"""0003 The held queue, what sites are told, the audit log, and the people who moderate."""

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_comments = sa.table(
    "comments",
    sa.column("id", sa.String),
    sa.column("site_id", sa.Integer),
    sa.column("is_test", sa.Boolean),
    sa.column("received_at", sa.BigInteger),
)
_revisions = sa.table(
    "revisions",
    sa.column("comment_id", sa.String),
    sa.column("number", sa.Integer),
    sa.column("body", sa.Text),
    sa.column("traces", sa.Text),
)
_verdicts = sa.table(
    "verdicts",
    sa.column("comment_id", sa.String),
    sa.column("number", sa.Integer),
    sa.column("decision", sa.String),
    sa.column("reasons", sa.Text),
)
_reviews = sa.table("reviews", sa.column("comment_id", sa.String))
_queue = sa.table(
    "queue",
    *(sa.column(name, sa.String) for name in ("comment_id", "campaign", "head", "reason", "language", "author")),
    *(sa.column(name, sa.String) for name in ("author_name", "address", "post", "domains", "words")),
    *(sa.column(name, sa.BigInteger) for name in ("site_id", "urgent", "certain", "informative", "entered_at")),
)


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("place", sa.String(80), nullable=False, comment="Keyed hash of an account's name or of an address"),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_attempts"),
        comment="Failed sign-ins, to slow down who guesses",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("password", sa.String(255), nullable=False, comment="Argon2id"),
        sa.Column("preferences", sa.Text, nullable=False, comment="JSON"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("site_id", sa.Integer, comment="Null: the installation"),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("via", sa.String(16), nullable=False, comment="dashboard, api, command, mail or machine"),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("comment_id", sa.String(32)),
        sa.Column("detail", sa.Text, nullable=False, comment="JSON"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_audit_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        comment="Everything that people, or the machine beside its verdicts, did",
    )
    op.create_index("ix_audit_comment_id", "audit", ["comment_id"])
    op.create_index("ix_audit_site_id_actor_id", "audit", ["site_id", "actor", "id"])
    op.create_index("ix_audit_site_id_id", "audit", ["site_id", "id"])
    op.create_table(
        "decisions",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, comment="From 1, by site, without gaps when written"),
        sa.Column("comment_id", sa.String(32), nullable=False),
        sa.Column("external_id", sa.String(255)),
        sa.Column("decision", sa.String(6), nullable=False, comment="What the site should do from now on"),
        sa.Column("outcome", sa.String(5), comment="What a person said; null: nobody, or it was taken back"),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_decisions_site_id"),
        sa.PrimaryKeyConstraint("site_id", "number", name="pk_decisions"),
        comment="What the site is to be told: its webhook's outbox, and the feed it may poll",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_decisions_comment_id", "decisions", ["comment_id"])
    op.create_table(
        "invitations",
        sa.Column("digest", sa.String(64), nullable=False, comment="HMAC-SHA-256 of the one-time token"),
        sa.Column("site_id", sa.Integer, comment="Null: all there are (the first owner)"),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Integer, comment="Whose password it sets anew; null: a new user's"),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_invitations_site_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_invitations_user_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_invitations"),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False, comment="owner, moderator or viewer"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_memberships_site_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id"),
        sa.PrimaryKeyConstraint("user_id", "site_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_site_id", "memberships", ["site_id"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False, comment="HMAC-SHA-256 of the token in the cookie"),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("about", sa.String(200), nullable=False, comment="The browser, as it calls itself"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "webhooks",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column(
            "salt", sa.String(32), nullable=False, comment="With the installation's secret: the key of its signatures"
        ),
        sa.Column("delivered", sa.Integer, nullable=False, comment="Number of the last decision that was taken"),
        sa.Column("attempts", sa.Integer, nullable=False, comment="Failures since"),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_webhooks_site_id"),
        sa.PrimaryKeyConstraint("site_id", name="pk_webhooks"),
    )
    op.create_table(
        "queue",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("comment_id", sa.String(32), nullable=False),
        sa.Column("campaign", sa.String(32), nullable=False),
        sa.Column(
            "head", sa.String(32), nullable=False, comment="The head that asked for a person; empty: a rule or the mode"
        ),
        sa.Column("reason", sa.String(32), nullable=False, comment="Code of the first reason"),
        sa.Column("language", sa.String(32), nullable=False),
        sa.Column("author", sa.String(80), nullable=False, comment="The trace that tells its author best; empty: none"),
        sa.Column("author_name", sa.String(80), nullable=False),
        sa.Column("address", sa.String(80), nullable=False, comment="Trace of the IP address, to count senders by"),
        sa.Column("post", sa.String(200), nullable=False),
        sa.Column("domains", sa.Text, nullable=False, comment="JSON: registered domains that it links to"),
        sa.Column("words", sa.Text, nullable=False, comment="What a search looks into, in lower case"),
        sa.Column("urgent", sa.Integer, nullable=False, comment="Lowest first, and so the next two"),
        sa.Column("certain", sa.Integer, nullable=False),
        sa.Column("informative", sa.Integer, nullable=False),
        sa.Column("entered_at", sa.BigInteger, nullable=False),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("claimed_until", sa.BigInteger),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_queue_comment_id"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_queue_site_id"),
        sa.PrimaryKeyConstraint("site_id", "comment_id", name="pk_queue"),
        comment="Comments that wait for a person",
    )
    op.create_index("ix_queue_comment_id", "queue", ["comment_id"], unique=True)
    op.create_index("ix_queue_site_id_campaign_comment_id", "queue", ["site_id", "campaign", "comment_id"])
    op.create_index("ix_queue_site_id_certain_comment_id", "queue", ["site_id", "certain", "comment_id"])
    op.create_index("ix_queue_site_id_informative_comment_id", "queue", ["site_id", "informative", "comment_id"])
    op.create_index("ix_queue_site_id_urgent_comment_id", "queue", ["site_id", "urgent", "comment_id"])
    op.create_index("ix_comments_site_id_id", "comments", ["site_id", "id"])
    _name_outcomes("ham, spam, abuse, other; open: queued again; none: taken back")
    _fill_queue()


def downgrade() -> None:
    op.drop_index("ix_comments_site_id_id", "comments")
    for table in (
        "queue",
        "webhooks",
        "sessions",
        "memberships",
        "invitations",
        "decisions",
        "audit",
        "users",
        "attempts",
    ):
        op.drop_table(table)
    op.execute("DELETE FROM reviews WHERE outcome IN ('open', 'none')")
    _name_outcomes("ham, spam, abuse or other")


def _name_outcomes(comment: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments.
        op.alter_column("reviews", "outcome", comment=comment)


def _fill_queue() -> None:
    """Put in the queue what was held before there was one, and is not reviewed."""
    connection = op.get_bind()
    newest = sa.select(sa.func.max(_verdicts.c.number)).where(_verdicts.c.comment_id == _comments.c.id)
    reviewed = sa.select(_reviews.c.comment_id).where(_reviews.c.comment_id == _comments.c.id)
    held = (
        sa.select(_comments, _verdicts.c.reasons, _revisions.c.body, _revisions.c.traces)
        .join(_verdicts, _verdicts.c.comment_id == _comments.c.id)
        .join(_revisions, _revisions.c.comment_id == _comments.c.id)
        .where(_verdicts.c.number == newest.correlate(_comments).scalar_subquery(), _revisions.c.number == 1)
        .where(_verdicts.c.decision == "hold", ~_comments.c.is_test, ~reviewed.exists())
    )
    for row in connection.execute(held).all():
        connection.execute(sa.insert(_queue).values(_row_of(row)))


def _row_of(row: Any) -> dict[str, Any]:
    """A row of the queue, with what can be told without judging the comment again."""
    body, traces = json.loads(row.body), json.loads(row.traces)
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for trace in traces:
        kinds[trace.partition(":")[0]].append(trace)
    reason: dict[str, Any] = next(iter(json.loads(row.reasons)), {})
    author, post = body.get("author") or {}, body.get("post") or {}
    tells = next((kinds[kind][0] for kind in ("email", "url", "ip", "name") if kinds[kind]), "")
    keys = {kind: [trace.partition(":")[2] for trace in kinds[kind]] for kind in ("campaign", "language", "domain")}
    return {
        "site_id": row.site_id,
        "comment_id": row.id,
        "campaign": next(iter(keys["campaign"]), row.id),
        "head": reason.get("head", ""),
        "reason": reason.get("code", ""),
        "language": next(iter(keys["language"]), ""),
        "author": tells,
        "author_name": (author.get("name") or "")[:80],
        "address": next(iter(kinds["ip"]), ""),
        "post": (post.get("url") or post.get("title") or "")[:200],
        "domains": json.dumps(keys["domain"]),
        "words": f"{author.get('name') or ''} {body['text']}"[:2_000].lower(),
        "urgent": 0,
        "certain": 0,
        "informative": 0,
        "entered_at": row.received_at,
    }
