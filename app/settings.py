"""What an operator may set: `DATELINE_…` environment variables and an `.env` file, nowhere else."""

import difflib
import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "DATELINE_"


def _web_address(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise ValueError("give a full address such as https://chronology.example.org")
    return value.rstrip("/") if value else None


class Settings(BaseSettings):
    """One instance a server; every field is an environment variable with the prefix `DATELINE_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    database_url: str = Field(
        "sqlite:///dateline.db",
        description="The store: `sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/NAME`.",
    )
    public_url: Annotated[str | None, AfterValidator(_web_address)] = Field(
        None,
        description="The address clients use, for absolute links in answers. "
        "Unset: the address of the request.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses, separated by commas, whose `X-Forwarded-…` headers count; "
        "`*` trusts all.",
    )
    query_seconds: float = Field(
        2.0, gt=0, le=60, description="The longest that one read query may take, in seconds."
    )
    log_level: str = Field(
        "info",
        pattern="^(critical|error|warning|info|debug)$",
        description="`critical`, `error`, `warning`, `info` or `debug`.",
    )

    @model_validator(mode="after")
    def _refuse_misspelt(self) -> Self:
        """A misspelt setting would silently leave its default in force."""
        known = {PREFIX + name.upper() for name in type(self).model_fields}
        for name in (*os.environ, *_names_in_env_file()):
            if name.upper().startswith(PREFIX) and name.upper() not in known:
                near = difflib.get_close_matches(name.upper(), sorted(known), 1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
                raise ValueError(f"{name} is not a setting of Dateline; {hint}")
        return self


def _names_in_env_file() -> list[str]:
    path = Path(".env")
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.removeprefix("export ").partition("=")[0].strip() for line in lines]
