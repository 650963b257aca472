"""0006 Clients: who calls, who is called back, and what an incumbent service says beside Hamlet."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receivers",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="The key it was called with last, encrypted"),
        sa.Column("delivered", sa.Integer, nullable=False, comment="Number of the last decision that is done with"),
        sa.Column("attempts", sa.Integer, nullable=False, comment="Failures since"),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_receivers_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_receivers"),
        sa.UniqueConstraint("site_id", "url", name="uq_receivers_site_id_url"),
        comment="Where clients of the Akismet protocol are called back",
    )
    op.create_table(
        "callbacks",
        sa.Column("comment_id", sa.String(32), nullable=False),
        sa.Column("receiver_id", sa.Integer, nullable=False),
        sa.Column("guid", sa.String(36), nullable=False, comment="Of its newest check; the client knows it by this"),
        sa.Column("post", sa.String(64), comment="Number of the post at the client"),
        sa.Column("parent", sa.String(64)),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_callbacks_comment_id"),
        sa.ForeignKeyConstraint(["receiver_id"], ["receivers.id"], name="fk_callbacks_receiver_id"),
        sa.PrimaryKeyConstraint("comment_id", name="pk_callbacks"),
        comment="Comments whose later decisions a client wants to hear",
    )
    op.create_index("ix_callbacks_receiver_id", "callbacks", ["receiver_id"])
    op.create_table(
        "clients",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("prefix", sa.String(4), nullable=False, comment="First digits of the key"),
        sa.Column("surface", sa.String(16), nullable=False, comment="Which of the protocols"),
        sa.Column("agent", sa.String(200), nullable=False, comment="The client, as it calls itself"),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("errors", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("last_error_at", sa.BigInteger),
        sa.Column("hour", sa.Integer, nullable=False, comment="Hour of the newest feedback, counted from 1970"),
        sa.Column("in_hour", sa.Integer, nullable=False, comment="Feedback in it"),
        sa.Column("flooded_at", sa.BigInteger, comment="When it last gave more feedback in an hour than people can"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_clients_site_id"),
        sa.PrimaryKeyConstraint("site_id", "prefix", "surface", name="pk_clients"),
        comment="Who calls, by key and protocol",
    )
    op.create_table(
        "strangers",
        sa.Column("digest", sa.String(64), nullable=False, comment="Keyed hash of address, client, protocol and site"),
        sa.Column("site_id", sa.Integer, comment="Whose key it was before it was revoked; null: nobody's"),
        sa.Column("surface", sa.String(16), nullable=False),
        sa.Column("address", sa.String(12), nullable=False, comment="Beginning of a keyed hash, to tell senders apart"),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_strangers_site_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_strangers"),
        comment="Calls with a key that is none",
    )
    op.create_index("ix_strangers_last_at", "strangers", ["last_at"])
    op.create_table(
        "incumbents",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="Encrypted"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_incumbents_site_id"),
        sa.PrimaryKeyConstraint("site_id", name="pk_incumbents"),
        comment="Services that sites ask beside Hamlet, to compare",
    )
    op.create_table(
        "opinions",
        sa.Column("comment_id", sa.String(32), nullable=False),
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("ours", sa.String(6), nullable=False, comment="The decision of Hamlet then"),
        sa.Column("theirs", sa.String(5), nullable=False, comment="spam, ham, or error"),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_opinions_comment_id"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_opinions_site_id"),
        sa.PrimaryKeyConstraint("comment_id", name="pk_opinions"),
        comment="What an incumbent service said of comments; nothing is decided by it",
    )
    op.create_index("ix_opinions_site_id_asked_at", "opinions", ["site_id", "asked_at"])


def downgrade() -> None:
    for table in ("opinions", "incumbents", "strangers", "clients", "callbacks", "receivers"):
        op.drop_table(table)
