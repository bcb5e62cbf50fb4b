"""Times of day: a column of the timeline, which they order within a day."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NO_CLOCK = -1  # no date had one before


def upgrade() -> None:
    op.add_column("timeline", sa.Column("clock", sa.Integer(), nullable=True))
    op.execute(f"UPDATE timeline SET clock = {NO_CLOCK}")
    with op.batch_alter_table("timeline") as table:
        table.alter_column("clock", existing_type=sa.Integer(), nullable=False)
        table.drop_constraint("uq_timeline_day_event_id", type_="unique")
        table.create_unique_constraint(
            "uq_timeline_day_clock_event_id", ["day", "clock", "event_id"]
        )
