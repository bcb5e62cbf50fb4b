"""The store: one engine that reads, one that writes, the schema, and the readers' cache."""

from app.store.cache import Cache
from app.store.database import Database

__all__ = ["Cache", "Database"]
