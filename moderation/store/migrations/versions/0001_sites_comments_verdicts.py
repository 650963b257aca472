"""0001 Keep sites, keys, comments, their revisions, verdicts and reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
        comment="Facts about this database, such as which secret its hashes were made with",
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("policy", sa.Text, nullable=False, comment="JSON: head to thresholds that differ from the model's"),
        sa.Column("policy_number", sa.Integer, nullable=False, comment="Counts the changes of policy"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.UniqueConstraint("name", name="uq_sites_name"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", name="fk_keys_site_id"), nullable=False),
        sa.Column("prefix", sa.String(4), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="HMAC-SHA-256 of the key"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("digest", name="uq_keys_digest"),
    )
    op.create_index("ix_keys_site_id", "keys", ["site_id"])
    op.create_table(
        "comments",
        sa.Column("id", sa.String(32), nullable=False, comment="Sorts by time of arrival"),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", name="fk_comments_site_id"), nullable=False),
        sa.Column("external_id", sa.String(255), comment="The site's own id"),
        sa.Column("is_test", sa.Boolean, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
        sa.UniqueConstraint("site_id", "external_id", name="uq_comments_site_id_external_id"),
    )
    op.create_table(
        "revisions",
        _comment_id("revisions"),
        sa.Column("number", sa.Integer, nullable=False, comment="From 1"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the content"),
        sa.Column("body", sa.Text, nullable=False, comment="The comment as JSON, as its site sent it"),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", "number", name="pk_revisions"),
    )
    op.create_table(
        "verdicts",
        _comment_id("verdicts"),
        sa.Column("number", sa.Integer, nullable=False, comment="From 1"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("decision", sa.String(6), nullable=False),
        sa.Column("scores", sa.Text, nullable=False, comment="JSON: head to probability"),
        sa.Column("baseline", sa.Text, nullable=False, comment="JSON: head to log-odds before any evidence"),
        sa.Column("reasons", sa.Text, nullable=False, comment="JSON"),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(128), nullable=False),
        sa.Column("judged_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", "number", name="pk_verdicts"),
    )
    op.create_table(
        "reviews",
        _comment_id("reviews"),
        sa.Column("number", sa.Integer, nullable=False, comment="From 1; the newest counts"),
        sa.Column("outcome", sa.String(5), nullable=False, comment="ham, spam, abuse or other"),
        sa.Column("reviewer", sa.String(64), nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("reviewed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", "number", name="pk_reviews"),
    )


def _comment_id(table: str) -> sa.Column[str]:
    target = sa.ForeignKey("comments.id", name=f"fk_{table}_comment_id")
    return sa.Column("comment_id", sa.String(32), target, nullable=False)


def downgrade() -> None:
    for table in ("reviews", "verdicts", "revisions", "comments", "keys", "sites", "facts"):
        op.drop_table(table)
