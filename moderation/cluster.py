"""Reaching a Dask cluster, for work that one machine is too small for. Dask is needed only where one is named."""

from __future__ import annotations

from typing import Any

from moderation.errors import BadSetting

PATIENCE = "10s"


def connected(scheduler: str) -> Any:
    """A client of the scheduler at an address such as ``tcp://10.0.0.5:8786``, to be used as a context.

    Raises :class:`~moderation.errors.BadSetting` if Dask is not installed, or nobody answers there.
    """
    try:
        from distributed import Client  # noqa: PLC0415  # Loads slowly, and is not installed everywhere.
    except ImportError as error:
        raise BadSetting("--scheduler", "Dask is not installed: pip install 'hamlet[dask]'") from error
    try:
        return Client(scheduler, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise BadSetting("--scheduler", f"{scheduler} does not answer ({error or type(error).__name__})") from error
