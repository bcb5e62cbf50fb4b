"""The timeline for people: the whole page, the embedded one, and their parts."""
