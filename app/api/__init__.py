"""The HTTP endpoints, one file per noun of the URL: no SQL, short handlers."""
