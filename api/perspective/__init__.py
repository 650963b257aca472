"""The protocol of Perspective (commentanalyzer v1alpha1), so that its clients can ask here without a change.

The paths are those of the service, with the version before them and without: some clients add their operation to
whatever address they were given.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from api.perspective.access import key_of_request
from api.perspective.answers import refused
from api.perspective.batch import bp as batch
from api.perspective.discovery import bp as discovery
from api.perspective.operations import OPERATIONS, perform
from api.perspective.payload import read_body
from api.perspective.refusals import method_not_allowed, not_found

bp = Blueprint("perspective", __name__)
VERSION = "/v1alpha1"
ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _operate() -> Response:
    """Analyze a comment, or take what somebody suggests it should have scored."""
    return perform(request.path.rpartition("/")[2], key_of_request(), read_body()).response()


def _nothing_here(rest: str = "") -> Response:
    """What is asked in another way, or is not there."""
    operation = rest or request.path.rpartition("/")[2]
    raise method_not_allowed() if operation in OPERATIONS and request.method != "POST" else not_found()


def _add(path: str, view: Callable[..., Response], *methods: str) -> None:
    # A slash too many must not become a redirect: clients follow none.
    bp.add_url_rule(path, view_func=view, methods=methods, merge_slashes=False)


for _name in OPERATIONS:
    for _prefix in (VERSION, ""):
        _add(f"{_prefix}/{_name}", _operate, "POST")
    _add(f"/{_name}", _nothing_here, *(one for one in ANY_METHOD if one != "POST"))
for _rest in ("", "/", "/<path:rest>"):
    _add(f"{VERSION}{_rest}", _nothing_here, *ANY_METHOD)
bp.register_blueprint(discovery)
bp.register_blueprint(batch)
bp.register_error_handler(Exception, refused)
