"""``python -m bench [NAME ...]``."""

import sys
from importlib import import_module

NAMES = ("scoring", "http", "footprint", "history", "queue", "rules", "simulation", "training", "learning", "swap")


def main() -> None:
    """Run the measurements named, or all."""
    wanted = sys.argv[1:] or list(NAMES)
    for name in wanted:
        if name not in NAMES:
            sys.exit(f"bench: no {name!r}; there are: {', '.join(NAMES)}")
    for name in wanted:
        import_module(f"bench.{name}").main()


main()
