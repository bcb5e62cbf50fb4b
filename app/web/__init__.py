"""The timeline for people: the page, the one that is embedded, and what both are made of."""
