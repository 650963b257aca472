"""The commands that serve, score and administer. Thin skins: parse, call, print."""
