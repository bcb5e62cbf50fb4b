"""The store: one engine that reads, one that writes, the schema, and the readers' cache."""

from app.store.cache import Cache
from app.store.database import Database
from app.store.schema import COPYING, RESTORING

__all__ = ["COPYING", "RESTORING", "Cache", "Database"]
