"""Measurements. ``python -m bench`` prints every table; ``python -m bench http`` one of them.

Every ratio is against a peer measured in the same run, on the same machine, with the same comments.
"""
