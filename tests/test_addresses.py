"""Which file a SQLite URL names: a table of URLs with the path, or with what is said of them."""

from pathlib import Path

import pytest

from app.dialects import StoreError, dialect_for

THREE, FOUR = "three slashes", "four before an absolute"
# A path from the current folder, or words of the refusal.
NAMED = {
    "sqlite:///a.db": "a.db",
    "sqlite:////var/lib/a.db": "/var/lib/a.db",
    "sqlite:///../a.db": "../a.db",
    "sqlite:///./~/a.db": "~/a.db",
    "sqlite:///a b.db": "a b.db",
    "sqlite:///a%20b.db": "a b.db",
    "sqlite:///what%3F/a.db": "what?/a.db",
    "sqlite:///a%2Fb.db": "a/b.db",
    "sqlite:///a#b.db": "a#b.db",
    "sqlite:///a%23b.db": "a#b.db",
    "sqlite:///100%.db": "100%.db",
    "sqlite:///100%25.db": "100%.db",
    "sqlite:///a%2525b.db": "a%25b.db",
    "sqlite:///a@b.db": "a@b.db",
    "sqlite:///a:b.db": "a:b.db",
    "sqlite:///año.db": "año.db",
    "sqlite+pysqlite:///a.db": "a.db",
}
REFUSED = {
    "sqlite:///what?/a.db": "written %3F",
    "sqlite:///a.db?": "written %3F",
    "sqlite:///a.db?mode=ro": "no options for SQLite",
    "sqlite:///file:a.db?mode=ro&uri=true": "no options for SQLite",
    "sqlite:///file:a.db": "not a file: URI",
    "sqlite://a.db": THREE,
    "sqlite://localhost/a.db": FOUR,
    "sqlite://user:secret@host/a.db": FOUR,
    "sqlite://:80/a.db": THREE,
    "sqlite:///": "Dateline needs a file",
    "sqlite://": "Dateline needs a file",
    "sqlite:///:memory:": "Dateline needs a file",
    "sqlite:///~/a.db": "~ is not replaced",
    "sqlite:///~root/a.db": "~ is not replaced",
    "sqlite:///a/": "that is a folder",
    "sqlite:///..": "that is a folder",
    "sqlite:///a/.": "that is a folder",
    "sqlite:///a%00b.db": "control character",
    "sqlite:///a.db\n": "control character",
    "sqlite:///C:\\data\\a.db": "a path of Windows",
    "sqlite:///C:/data/a.db": "a path of Windows",
    "sqlite:/a.db": "sqlite:///FILE",
    "a.db": "sqlite:///FILE",
    "": "sqlite:///FILE",
    "sqlite+aiosqlite:///a.db": "sqlite:///FILE",
    "file:///a.db": "sqlite:///FILE",
}


def test_each_url_names_one_file_or_is_refused_with_what_would_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never another file than the one that was written."""
    monkeypatch.chdir(tmp_path)
    wrong = []
    for url, path in NAMED.items():
        try:
            outcome = str(getattr(dialect_for(url), "path"))  # noqa: B009 - of SQLite alone
        except StoreError as error:
            outcome = str(error)
        if outcome != str(Path(path).absolute()):
            wrong.append((url, outcome))
    for url, words in REFUSED.items():
        try:
            dialect_for(url)
            wrong.append((url, "accepted"))
        except StoreError as error:
            if words not in str(error) or "secret" in str(error):
                wrong.append((url, str(error)))
    assert wrong == []
    assert list(tmp_path.iterdir()) == []
