"""The protocol of Akismet, so that a blog's plug-in can ask here without a change.

The paths are those of the service, at the root of the host: clients add nothing before them.
"""

from __future__ import annotations

from flask import Blueprint

from api.akismet import account, checking, feedback, statistics, usage
from api.akismet.answers import failed

bp = Blueprint("akismet", __name__)
for part in (checking, feedback, account, statistics, usage):
    bp.register_blueprint(part.bp)
bp.register_error_handler(Exception, failed)
