"""Settings for operators: `DATELINE_…` environment variables and an `.env` file, nothing else."""

import ipaddress
import os
import re
from collections.abc import Sequence
from typing import Annotated, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.languages import LANGUAGES, find_language
from app.suggestions import nearest

ENV_PREFIX = "DATELINE_"
REMOVED = {"TITLE": "remove it, and store the title with PUT /chronology"}
ENV_ENCODING = "utf-8-sig"  # some editors write a byte order mark


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
    except ValueError:  # an invalid port, or half an IPv6 address
        return False


def _addresses(value: str) -> str:
    for part in [] if value == "*" else value.split(","):
        try:
            ipaddress.ip_network(part.strip())
        except ValueError:
            message = "give IP addresses or networks separated by commas, or *"
            raise ValueError(message) from None
    return value


def _ancestors(value: str) -> str:
    """Return a value of `frame-ancestors` (CSP 3 section 6.4.2.1), or raise ValueError."""
    host = r"(https?://)?(\*\.)?[A-Za-z0-9.-]+(:(\d+|\*))?|https?:|\*|'self'|'none'"
    if not value or not all(re.fullmatch(host, part) for part in value.split(" ")):
        raise ValueError("give * or 'self' or 'none', or addresses such as https://example.org")
    return value


def _hosts(value: str) -> str:
    """Return host names between commas, in small letters, or raise ValueError."""
    hosts = [host.strip().lower() for host in value.split(",") if host.strip()]
    for host in hosts:
        if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", host):
            raise ValueError("give names of hosts such as images.example.org, separated by commas")
    return ",".join(hosts)


def _language(value: str | None) -> str | None:
    """Return the tag of a language that pages have, or raise ValueError."""
    if not value:
        return None
    if language := find_language(value):
        return language.tag
    raise ValueError(f"give a language of the pages: {', '.join(LANGUAGES)}")


class Settings(BaseSettings):
    """The settings of one server; each field is an environment variable `DATELINE_…`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
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
        description="The address that clients use, for absolute links in answers. It may end with "
        "a path, whether or not the proxy strips it. Unset: the address of the request.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_addresses)] = Field(
        "127.0.0.1",
        description="Addresses or networks, separated by commas, whose `X-Forwarded-Proto`, "
        "`X-Forwarded-For` and `X-Forwarded-Prefix` are believed; `*` trusts all. The host is "
        "that of `Host`, never of `X-Forwarded-Host`, which any client can write.",
    )
    frame_ancestors: Annotated[str, AfterValidator(_ancestors)] = Field(
        "*",
        description="Sites that may show `/embed` in a frame: `*`, `'self'`, `'none'`, or "
        "addresses separated by spaces, as in Content-Security-Policy.",
    )
    media_hosts: Annotated[str, AfterValidator(_hosts)] = Field(
        "",
        description="Hosts whose images pages show, separated by commas: `upload.wikimedia.org, "
        "*.example.org`. Of all other media they show links. A shown image tells its host the "
        "reader's address.",
    )
    language: Annotated[str | None, AfterValidator(_language)] = Field(
        None,
        description="The language of pages, such as `de`, whatever a reader's browser asks for; "
        "`lang` in an address wins over it. Unset: the language of the browser, else of the "
        "chronology, else English.",
    )
    query_seconds: float = Field(
        2.0, gt=0, le=60, description="Time limit of one read query, in seconds."
    )
    pool_size: int = Field(
        10,
        ge=2,
        le=500,
        description="Connections of a server for reading from PostgreSQL, and downloads written at "
        "a time; the server uses six more connections.",
    )
    connections_per_address: int = Field(
        200,
        ge=0,
        description="Open connections per client address; `0` sets no limit. Trusted proxies are "
        "not limited.",
    )
    downloads_mib: int = Field(
        4096,
        ge=1,
        description="Disk space in MiB for the files of downloads while clients read them, in the "
        "system's folder for temporary files (`TMPDIR`).",
    )
    public_reads: bool = Field(
        True, description="Whether anybody may read; with `false`, reading needs a key."
    )
    reads_per_minute: int = Field(
        0,
        ge=0,
        description="Reads per minute and key, or address without a key; `0` sets no limit.",
    )
    writes_per_minute: int = Field(
        600, ge=0, description="Writes per minute and key; `0` sets no limit."
    )
    log_level: str = Field(
        "info",
        pattern="^(critical|error|warning|info|debug)$",
        description="`critical`, `error`, `warning`, `info` or `debug`.",
    )
    log_format: str = Field(
        "text",
        pattern="^(text|json)$",
        description="`text`, or `json` for one JSON object per line.",
    )

    @property
    def prefix(self) -> str:
        """Return the path of the public address, empty if it has none."""
        return urlsplit(self.public_url or "").path

    @property
    def image_hosts(self) -> tuple[str, ...]:
        """Return the hosts of `media_hosts`."""
        return tuple(filter(None, self.media_hosts.split(",")))

    @model_validator(mode="after")
    def _refuse_misspelt(self) -> Self:
        """Refuse unknown settings: a misspelt one would silently have no effect."""
        names = sorted(name.upper() for name in type(self).model_fields)
        for name in (*os.environ, *dotenv_values(".env", encoding=ENV_ENCODING)):
            field = name.upper().removeprefix(ENV_PREFIX)
            if name.upper().startswith(ENV_PREFIX) and field not in names:
                raise ValueError(f"{name} is not a setting of Dateline; {_hint(field, names)}")
        return self


def _hint(field: str, names: Sequence[str]) -> str:
    """Return what to do about an unknown setting: the nearest, or all that there are."""
    if field in REMOVED:
        return REMOVED[field]
    near = nearest(field, names)
    listed = ", ".join(ENV_PREFIX + name for name in names)
    return f"did you mean {ENV_PREFIX}{near}?" if near else f"known: {listed}"
