"""An identity of the store, of which calendars and feeds make theirs."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

A_UUID = "identity LIKE '________-____-____-____-____________'"


def upgrade() -> None:
    op.add_column("store", sa.Column("identity", sa.String(), nullable=True))
    store = sa.table("store", sa.column("identity"))
    op.execute(store.update().values(identity=str(uuid.uuid4())))
    # SQLite rebuilds the table, and would lose a check that is not named here.
    one_row = sa.CheckConstraint("id = 1", name=op.f("ck_store_one_row"))
    with op.batch_alter_table("store", table_args=[one_row]) as table:
        table.alter_column("identity", existing_type=sa.String(), nullable=False)
        table.create_check_constraint(op.f("ck_store_identity"), A_UUID)
