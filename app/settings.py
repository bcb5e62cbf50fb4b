"""What an operator may set: `DATELINE_…` environment variables and an `.env` file, nowhere else."""

import ipaddress
import os
import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.suggestions import nearest

PREFIX = "DATELINE_"
ENV_ENCODING = "utf-8-sig"  # some editors begin a file with a byte order mark


def _web_address(value: str | None) -> str | None:
    if value and not _is_web_address(value):
        raise ValueError("give a full address such as https://chronology.example.org")
    return value.rstrip("/") if value else None


def _is_web_address(value: str) -> bool:
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", value):
        return False
    try:
        parts = urlsplit(value)
        steps = parts.path.removesuffix("/").split("/")[1:]
        return bool(parts.hostname) and parts.port != 0 and not {"", ".", ".."}.intersection(steps)
    except ValueError:  # a port that is none, or half an IPv6 address
        return False


def _in_a_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("give a name in one line")
    return value.strip()


def _addresses(value: str) -> str:
    for part in [] if value == "*" else value.split(","):
        try:
            ipaddress.ip_network(part.strip())
        except ValueError:
            message = "give IP addresses or networks separated by commas, or *"
            raise ValueError(message) from None
    return value


def _ancestors(value: str) -> str:
    """`frame-ancestors` as the header has it (CSP 3 section 6.4.2.1), without what ends it."""
    host = r"(https?://)?(\*\.)?[A-Za-z0-9.-]+(:(\d+|\*))?|https?:|\*|'self'|'none'"
    if not value or not all(re.fullmatch(host, part) for part in value.split(" ")):
        raise ValueError("give * or 'self' or 'none', or addresses such as https://example.org")
    return value


class Settings(BaseSettings):
    """One instance a server; every field is an environment variable with the prefix `DATELINE_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding=ENV_ENCODING,
        extra="ignore",
        frozen=True,
    )

    database_url: str = Field(
        "sqlite:///dateline.db",
        description="The store: `sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/NAME`.",
    )
    public_url: Annotated[str | None, AfterValidator(_web_address)] = Field(
        None,
        description="The address clients use, for absolute links in answers. It may end with a "
        "path, whether or not the proxy takes that off. Unset: the address of the request.",
    )
    title: Annotated[str, AfterValidator(_in_a_line)] = Field(
        "Chronology",
        description="What the chronology is called, on pages, in feeds and calendars.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_addresses)] = Field(
        "127.0.0.1",
        description="Addresses or networks, separated by commas, whose `X-Forwarded-Proto`, "
        "`X-Forwarded-For` and `X-Forwarded-Prefix` count; `*` trusts all. The host is that of "
        "`Host`, never of `X-Forwarded-Host`, which proxies pass on as any client wrote it.",
    )
    frame_ancestors: Annotated[str, AfterValidator(_ancestors)] = Field(
        "*",
        description="Which sites may show `/embed` in a frame: `*`, `'self'`, `'none'`, or "
        "addresses separated by spaces, as in Content-Security-Policy.",
    )
    query_seconds: float = Field(
        2.0, gt=0, le=60, description="The longest that one read query may take, in seconds."
    )
    pool_size: int = Field(
        10,
        ge=2,
        le=500,
        description="Connections over which a server reads from PostgreSQL, and as many downloads "
        "made at a time; it has six more.",
    )
    connections_per_address: int = Field(
        200,
        ge=0,
        description="Connections that one address may have open; `0` sets no limit. Trusted "
        "proxies have none.",
    )
    downloads_mib: int = Field(
        4096,
        ge=1,
        description="Disk, in MiB, that the files of downloads take while clients read them, in "
        "the system's folder for temporary files (`TMPDIR`).",
    )
    public_reads: bool = Field(
        True, description="Whether anybody may read; `false` asks for a key."
    )
    reads_per_minute: int = Field(
        0, ge=0, description="Reads allowed per key or address and minute; `0` sets no limit."
    )
    writes_per_minute: int = Field(
        600, ge=0, description="Writes allowed per key and minute; `0` sets no limit."
    )
    log_level: str = Field(
        "info",
        pattern="^(critical|error|warning|info|debug)$",
        description="`critical`, `error`, `warning`, `info` or `debug`.",
    )

    @property
    def prefix(self) -> str:
        """Return the path of the public address, empty if it has none."""
        return urlsplit(self.public_url or "").path

    @model_validator(mode="after")
    def _refuse_misspelt(self) -> Self:
        """A misspelt setting would silently leave its default in force."""
        known = sorted(name.upper() for name in type(self).model_fields)
        for name in (*os.environ, *dotenv_values(".env", encoding=ENV_ENCODING)):
            given = name.upper().removeprefix(PREFIX)
            if name.upper().startswith(PREFIX) and given not in known:
                near = nearest(given, known)
                listed = ", ".join(PREFIX + word for word in known)
                hint = f"did you mean {PREFIX}{near}?" if near else f"known: {listed}"
                raise ValueError(f"{name} is not a setting of Dateline; {hint}")
        return self
