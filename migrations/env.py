"""Runs the migrations over the engine that `app.store` gives, or over the configured one."""

from alembic import context

from app import models
from app.dialects import StoreError, dialect_for
from app.settings import Settings

given = context.config.attributes
dialect = None if "engine" in given else dialect_for(Settings().database_url)
engine = given["engine"] if dialect is None else dialect.migrator()
astray = given["astray"] if dialect is None else dialect.astray
# One transaction for all, which is begun here: alembic would commit each migration on SQLite.
with engine.connect() as connection, connection.begin():
    context.configure(connection=connection, target_metadata=models.SQLModel.metadata)
    with context.begin_transaction():
        context.run_migrations()
    for finding in astray(connection):
        raise StoreError(f"the migration was undone: {finding}")
