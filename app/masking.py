"""Mask API keys in texts that others may read, such as logs and redirects."""

import re
from urllib.parse import unquote_plus

MASK = "***"
KEY_PATTERN = re.compile(r"dln_[0-9A-Za-z]+")
# Query parameters that carry a key in other APIs.
SECRET_NAMES = re.compile(r"(access|api|auth|bearer|secret)?[_-]?(key|token|secret)|authorization")


def mask_keys(text: str) -> str:
    """Return the text with every API key in it replaced by `dln_***`."""
    return KEY_PATTERN.sub(f"dln_{MASK}", text)


def mask_target(target: str) -> str:
    """Return a path and query with every value that may be a key replaced by `***`."""
    path, mark, query = target.partition("?")
    if not mark:
        return mask_keys(path)
    return mask_keys(path) + mark + "&".join(map(_mask_encoded_pair, query.split("&")))


def mask_pair(name: str, value: str) -> tuple[str, str]:
    """Return a query parameter, with its value replaced by `***` if that may be a key."""
    if SECRET_NAMES.fullmatch(name.lower()) or has_key(value):
        return (MASK if has_key(name) else name), MASK
    return (MASK if has_key(name) else name), value


def _mask_encoded_pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    if mark and (SECRET_NAMES.fullmatch(name.lower()) or has_key(value)):
        return f"{name}={MASK}"
    return MASK if has_key(name) else pair


def has_key(text: str) -> bool:
    """Return whether a text, which may be percent-encoded, has an API key in it."""
    plain = unquote_plus(text) if "%" in text else text
    return KEY_PATTERN.search(plain) is not None
