"""Texts of strangers, made fit to be shown."""


def printable(text: str) -> str:
    """A text on one line; control characters could speak to a terminal, and PostgreSQL takes no NUL."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
