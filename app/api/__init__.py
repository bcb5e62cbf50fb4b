"""The HTTP endpoints, a file per noun of the URL: no SQL, no try, handlers of a few lines."""
