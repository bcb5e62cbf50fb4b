"""The chronology itself is a record: its title, and what else it says of itself, in the journal."""

from alembic import op
from sqlalchemy import Connection

revision = "0003"
down_revision = "0002"

BEFORE = "kind IN ('event', 'source', 'actor', 'place', 'type')"
NOW = "kind IN ('event', 'source', 'actor', 'place', 'type', 'chronology')"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        rebuild(connection)
        return
    op.drop_constraint(op.f("ck_change_kind"), "change", type_="check")
    op.create_check_constraint(op.f("ck_change_kind"), "change", NOW)


def rebuild(connection: Connection) -> None:
    """Build the table anew with the other check, as SQLite's own documentation says to."""
    rows = connection.exec_driver_sql(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'change' AND sql <> ''"
    ).all()
    (table,) = (sql for kind, sql in rows if kind == "table")
    assert BEFORE in table
    columns = table.split("(", 1)[1]
    op.execute("CREATE TABLE change_anew (" + columns.replace(BEFORE, NOW))
    op.execute("INSERT INTO change_anew SELECT * FROM change")
    op.execute("DROP TABLE change")
    op.execute("ALTER TABLE change_anew RENAME TO change")
    for kind, sql in rows:
        if kind == "index":
            op.execute(sql)
