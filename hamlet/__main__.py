"""``python -m hamlet`` is ``hamlet``."""

from hamlet.cli import main

main()
