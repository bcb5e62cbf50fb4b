"""What JSON is in Python."""

from typing import Any

Json = dict[str, Any]  # an object
