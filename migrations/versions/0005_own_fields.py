"""Own fields of events: a table, a member of every document, and a claim that sources may back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

revision = "0005"
down_revision = "0004"

ordered = sa.String().with_variant(sa.String(collation="C"), "postgresql")
BEFORE = (
    "claim IN ('type', 'title', 'summary', 'date', 'status', 'actors', 'places', 'quantities',"
    " 'tags', 'related')"
)
NOW = BEFORE.replace("'related'", "'related', 'extra'")
# Within a text the quotes would be escaped, so that only the member itself is found.
VERSION, EXTRA_AND_VERSION = ',"version":', ',"extra":{},"version":'


def upgrade() -> None:
    op.create_table(
        "own_field",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", ordered, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('text', 'number', 'boolean')", name=op.f("ck_own_field_kind")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_own_field_name")),
        sa.CheckConstraint("value <> ''", name=op.f("ck_own_field_value")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name=op.f("fk_own_field_event_id"),
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name=op.f("pk_own_field")),
        sa.UniqueConstraint("event_id", "name", name=op.f("uq_own_field_event_id_name")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        rebuild_claims(connection)
        encoded = "CAST(replace(CAST(body AS TEXT), '{}', '{}') AS BLOB)"
    else:
        op.drop_constraint(op.f("ck_citation_claim_claim"), "citation_claim", type_="check")
        op.create_check_constraint(op.f("ck_citation_claim_claim"), "citation_claim", NOW)
        encoded = "convert_to(replace(convert_from(body, 'UTF8'), '{}', '{}'), 'UTF8')"
    body = encoded.format(VERSION, EXTRA_AND_VERSION)
    connection.exec_driver_sql(f"UPDATE document SET body = {body}")
    connection.exec_driver_sql(
        f"UPDATE change SET body = {body} WHERE kind = 'event' AND body IS NOT NULL"
    )


def rebuild_claims(connection: Connection) -> None:
    """Build the table anew with the other check, as SQLite's own documentation says to."""
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'citation_claim'"
    table = connection.exec_driver_sql(query).scalar_one()
    assert BEFORE in table
    columns = table.split("(", 1)[1]
    op.execute("CREATE TABLE citation_claim_anew (" + columns.replace(BEFORE, NOW))
    op.execute("INSERT INTO citation_claim_anew SELECT * FROM citation_claim")
    op.execute("DROP TABLE citation_claim")
    op.execute("ALTER TABLE citation_claim_anew RENAME TO citation_claim")
