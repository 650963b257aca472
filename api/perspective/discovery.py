"""The document that Google's client libraries build themselves from.

It names no way to sign in: with one, the Python client would go and look for an account of Google.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from api.origin import is_encrypted
from api.perspective.access import key_of_request, site_of
from api.perspective.answers import answer_json
from api.perspective.refusals import not_found

bp = Blueprint("discovery", __name__)
NAME, VERSION = "commentanalyzer", "v1alpha1"
Schema = dict[str, Any]


@bp.get("/$discovery/rest")
def rest() -> Response:
    """Describe the calls. No key is needed, but a wrong one is told: clients try theirs here."""
    if key := key_of_request():
        site_of(key)
    if request.args.get("version", VERSION) != VERSION:
        raise not_found()
    return answer_json(document(_root())).response()


def _root() -> str:
    """The address that was asked; https if a proxy says so, lest the client send its key in the clear."""
    root = request.url_root
    return f"https://{root.partition('://')[2]}" if is_encrypted() else root


def document(root: str) -> dict[str, Any]:
    """The description of the service at an address that ends with a slash."""
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"{NAME}:{VERSION}",
        "name": NAME,
        "version": VERSION,
        "revision": "1",
        "title": "Hamlet, in the protocol of the Perspective Comment Analyzer API",
        "description": "Scores comments.",
        "protocol": "rest",
        "rootUrl": root,
        "baseUrl": root,
        "servicePath": "",
        "basePath": "",
        "batchPath": "batch",
        "parameters": _PARAMETERS,
        "schemas": _SCHEMAS,
        "resources": {"comments": {"methods": {"analyze": _ANALYZE, "suggestscore": _SUGGEST}}},
    }


def _parameter(about: str, kind: str = "string", **more: Any) -> Schema:
    return {"type": kind, "description": about, "location": "query", **more}


_PARAMETERS = {
    "$.xgafv": _parameter("Format of errors: not looked at."),
    "access_token": _parameter("Not looked at."),
    "alt": _parameter("Format of the answer: always json.", default="json"),
    "callback": _parameter("Not looked at."),
    "fields": _parameter("Not looked at: answers are whole."),
    "key": _parameter("A key of the site."),
    "oauth_token": _parameter("Not looked at."),
    "prettyPrint": _parameter("Not looked at.", "boolean", default="true"),
    "quotaUser": _parameter("Not looked at."),
    "uploadType": _parameter("Not looked at."),
    "upload_protocol": _parameter("Not looked at."),
}
_STRING, _BOOLEAN = {"type": "string"}, {"type": "boolean"}
_FLOAT, _INTEGER = {"type": "number", "format": "float"}, {"type": "integer", "format": "int32"}


def _ref(name: str) -> Schema:
    return {"$ref": name}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _map(of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of}


def _object(name: str, **fields: Schema) -> Schema:
    return {"id": name, "type": "object", "properties": fields}


def _message(name: str, **fields: Schema) -> Schema:
    """What both requests have, and more."""
    same = {
        "comment": _ref("TextEntry"),
        "context": _ref("Context"),
        "languages": _list(_STRING),
        "clientToken": _STRING,
        "sessionId": _STRING,
        "communityId": _STRING,
    }
    return _object(name, **same, **fields)


_ALL = (
    _object("TextEntry", text=_STRING, type=_STRING),
    _object("Context", entries=_list(_ref("TextEntry")), articleAndParentComment=_ref("ArticleAndParentComment")),
    _object("ArticleAndParentComment", article=_ref("TextEntry"), parentComment=_ref("TextEntry")),
    _object("AttributeParameters", scoreType=_STRING, scoreThreshold=_FLOAT),
    _object("Score", value=_FLOAT, type=_STRING),
    _object("SpanScore", begin=_INTEGER, end=_INTEGER, score=_ref("Score")),
    _object("AttributeScores", summaryScore=_ref("Score"), spanScores=_list(_ref("SpanScore"))),
    _message(
        "AnalyzeCommentRequest",
        requestedAttributes=_map(_ref("AttributeParameters")),
        spanAnnotations=_BOOLEAN,
        doNotStore=_BOOLEAN,
    ),
    _object(
        "AnalyzeCommentResponse",
        attributeScores=_map(_ref("AttributeScores")),
        languages=_list(_STRING),
        detectedLanguages=_list(_STRING),
        clientToken=_STRING,
    ),
    _message("SuggestCommentScoreRequest", attributeScores=_map(_ref("AttributeScores"))),
    _object(
        "SuggestCommentScoreResponse",
        detectedLanguages=_list(_STRING),
        requestedLanguages=_list(_STRING),
        clientToken=_STRING,
    ),
)
_SCHEMAS = {schema["id"]: schema for schema in _ALL}


def _method(name: str, message: str, about: str) -> Schema:
    path = f"{VERSION}/comments:{name}"
    return {
        "id": f"{NAME}.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "description": about,
        "parameters": {},
        "parameterOrder": [],
        "request": _ref(f"{message}Request"),
        "response": _ref(f"{message}Response"),
    }


_ANALYZE = _method("analyze", "AnalyzeComment", "Scores a text; nothing of it is kept.")
_SUGGEST = _method("suggestscore", "SuggestCommentScore", "Takes what somebody says a comment should have scored.")
