"""0005 Models of sites, their arrays, random samples of comments, and work that one process at a time may do."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    told = "Number of the site's own model that serves; null: the base model"
    op.add_column("sites", sa.Column("model", sa.Integer, comment=told))
    op.create_table(
        "models",
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, comment="From 1, by site"),
        sa.Column("manifest", sa.Text, nullable=False, comment="JSON; names its arrays by their SHA-256"),
        sa.Column("training", sa.Text, nullable=False, comment="JSON: labels used, figures, what the gate said"),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("promoted_at", sa.BigInteger, comment="When it last came into service; null: never"),
        sa.Column("replaced", sa.Integer, comment="Number of the model that served before; null: the base model"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_models_site_id"),
        sa.PrimaryKeyConstraint("site_id", "number", name="pk_models"),
        comment="Models that sites have learnt",
    )
    op.create_table(
        "arrays",
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the file"),
        sa.Column("data", sa.LargeBinary, nullable=False, comment="The .npy file, compressed (zlib)"),
        sa.PrimaryKeyConstraint("digest", name="pk_arrays"),
        comment="Arrays of models, shared by those that have the same",
    )
    op.create_table(
        "samples",
        sa.Column("comment_id", sa.String(32), nullable=False),
        sa.Column("site_id", sa.Integer, nullable=False),
        sa.Column("share", sa.Float, nullable=False, comment="The chance it had to be drawn, whatever was decided"),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_samples_comment_id"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_samples_site_id"),
        sa.PrimaryKeyConstraint("comment_id", name="pk_samples"),
        comment="Comments drawn at random for a person, to measure errors by",
    )
    op.create_index("ix_samples_site_id_comment_id", "samples", ["site_id", "comment_id"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
        comment="Work that one process at a time may do",
    )


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("samples")
    op.drop_table("arrays")
    op.drop_table("models")
    op.drop_column("sites", "model")
