"""Dateline: a server for sourced chronologies."""

__version__ = "0.1.0.dev0"
