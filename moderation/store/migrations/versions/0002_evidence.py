"""0002 Keep records, traces, campaigns and rules; a site's choices beside its thresholds."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_sites = sa.table("sites", sa.column("id", sa.Integer), sa.column("policy", sa.Text))


def upgrade() -> None:
    _rewrite_policies(lambda thresholds: {"thresholds": thresholds} if thresholds else {})
    _comment_columns("JSON: what the site has chosen for itself", "Counts the changes of policy and rules")
    with op.batch_alter_table("verdicts") as verdicts:
        verdicts.add_column(
            sa.Column(
                "evidence",
                sa.Text,
                nullable=False,
                server_default="{}",
                comment="JSON: what signals found, to learn their weights from",
            )
        )
    with op.batch_alter_table("revisions") as revisions:
        revisions.add_column(
            sa.Column(
                "traces",
                sa.Text,
                nullable=False,
                server_default="[]",
                comment="JSON: the records that count the comment; of the first alone",
            )
        )
    changed = sa.text("number > 1")
    op.create_index(
        "ix_revisions_changed_at", "revisions", ["received_at"], sqlite_where=changed, postgresql_where=changed
    )
    op.create_table(
        "records",
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", name="fk_records_site_id"), nullable=False),
        sa.Column(
            "trace", sa.String(80), nullable=False, comment="Kind and key: email:<keyed hash>, domain:example.com"
        ),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("ham", sa.Integer, nullable=False, comment="By the newest review of each comment"),
        sa.Column("spam", sa.Integer, nullable=False),
        sa.Column("abuse", sa.Integer, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False, comment="Hour of the newest comment, counted from 1970"),
        sa.Column("in_hour", sa.Integer, nullable=False, comment="Comments in it"),
        sa.Column("before", sa.Integer, nullable=False, comment="Comments in the hour before it"),
        sa.PrimaryKeyConstraint("site_id", "trace", name="pk_records"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "traces",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("trace", sa.String(80), nullable=False),
        sa.Column(
            "comment_id", sa.String(32), sa.ForeignKey("comments.id", name="fk_traces_comment_id"), nullable=False
        ),
        sa.PrimaryKeyConstraint("site_id", "trace", "comment_id", name="pk_traces"),
        comment="Comments by what they are traced to",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaigns",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False, comment="Id of its first comment"),
        sa.Column("signature", sa.LargeBinary, nullable=False, comment="MinHash of its first comment"),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "id", name="pk_campaigns"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_campaigns_seen_at", "campaigns", ["seen_at"])
    op.create_table(
        "bands",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("band", sa.BigInteger, nullable=False, comment="A key that near-copies share"),
        sa.Column("campaign", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "band", name="pk_bands"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_bands_seen_at", "bands", ["seen_at"])
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", name="fk_rules_site_id"), nullable=False),
        sa.Column("action", sa.String(5), nullable=False, comment="allow, block or hold"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("last_hit_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
    )
    op.create_index("ix_rules_site_id", "rules", ["site_id"])


def downgrade() -> None:
    for table in ("rules", "bands", "campaigns", "traces", "records"):
        op.drop_table(table)
    with op.batch_alter_table("verdicts") as verdicts:
        verdicts.drop_column("evidence")
    op.drop_index("ix_revisions_changed_at", "revisions")
    with op.batch_alter_table("revisions") as revisions:
        revisions.drop_column("traces")
    _comment_columns("JSON: head to thresholds that differ from the model's", "Counts the changes of policy")
    _rewrite_policies(lambda choices: choices.get("thresholds", {}))


def _rewrite_policies(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_sites)).all():
        policy = json.dumps(change(json.loads(row.policy)))
        connection.execute(sa.update(_sites).where(_sites.c.id == row.id).values(policy=policy))


def _comment_columns(policy: str, policy_number: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments.
        op.alter_column("sites", "policy", comment=policy)
        op.alter_column("sites", "policy_number", comment=policy_number)
