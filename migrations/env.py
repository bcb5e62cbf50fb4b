"""Runs the migrations over the engine that `app.db` gives, or over the configured one."""

from alembic import context

from app import models
from app.dialects import dialect_for
from app.settings import Settings

engine = context.config.attributes.get("engine") or dialect_for(Settings().database_url).writer(
    create=True
)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=models.SQLModel.metadata)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
