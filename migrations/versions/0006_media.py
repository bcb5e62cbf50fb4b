"""Media of events: a table, and a member of every document."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ordered = sa.String().with_variant(sa.String(collation="C"), "postgresql")
# No text and no own field holds this: quotes are escaped in texts, and own fields are no objects.
EXTRA, MEDIA_AND_EXTRA = ',"extra":{', ',"media":[],"extra":{'


def upgrade() -> None:
    op.create_table(
        "medium",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("caption", sa.String(), nullable=True),
        sa.Column("credit", sa.String(), nullable=True),
        sa.Column("alt", sa.String(), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.Column("thumbnail", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('image', 'video', 'audio', 'document', 'page')", name=op.f("ck_medium_kind")
        ),
        sa.CheckConstraint("url <> ''", name=op.f("ck_medium_url")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name=op.f("fk_medium_event_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name=op.f("pk_medium")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    encoded = "convert_to(replace(convert_from(body, 'UTF8'), '{}', '{}'), 'UTF8')"
    if connection.dialect.name == "sqlite":
        encoded = "CAST(replace(CAST(body AS TEXT), '{}', '{}') AS BLOB)"
    body = encoded.format(EXTRA, MEDIA_AND_EXTRA)
    connection.exec_driver_sql(f"UPDATE document SET body = {body}")
    connection.exec_driver_sql(
        f"UPDATE change SET body = {body} WHERE kind = 'event' AND body IS NOT NULL"
    )
