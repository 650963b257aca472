"""0004 Reviews by time, so that insights read only the days they are asked for."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_reviews_reviewed_at", "reviews", ["reviewed_at"])


def downgrade() -> None:
    op.drop_index("ix_reviews_reviewed_at", "reviews")
