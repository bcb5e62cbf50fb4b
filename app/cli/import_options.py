"""The options of `dateline import`, named as on the command line."""

from app import writes


class CommandOptions(writes.ImportOptions):
    """Import options whose messages name the flags of the command line."""

    def spell(self, name: str, value: str = "true") -> str:
        """Return an option as a flag."""
        flag = "--role" if name == "roles" else f"--{name.replace('_', '-')}"
        return flag if value == "true" else f"{flag} {value}"

    def explain_unknown_mapping(self) -> str:
        """Return why `--map` names no mapping; it may name a file."""
        return f"there is no file {(self.mapping or '')[:200]}, and no stored mapping of that name"
