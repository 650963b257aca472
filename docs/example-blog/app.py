"""A blog of one page that asks Hamlet about its comments: to read, to run, to copy from.

HAMLET_URL=http://127.0.0.1:8080 HAMLET_KEY=… HAMLET_WEBHOOK_SECRET=whsec_… python docs/example-blog/app.py
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing
from typing import Any

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from hamlet.client import (
    Author,
    Comment,
    Decision,
    Decisions,
    Hamlet,
    HamletRefused,
    HamletUnavailable,
    NotFromHamlet,
    Post,
    verify_webhook,
)

FILE = os.environ.get("BLOG_DATABASE", "blog.db")
STATES = {Decision.ACCEPT: "published", Decision.HOLD: "waits", Decision.REJECT: "removed"}
app = Flask(__name__)
hamlet = Hamlet(os.environ["HAMLET_URL"], os.environ["HAMLET_KEY"], patience=3)


def sql(statement: str, *values: object) -> list[Any]:
    """Run one statement."""
    with closing(sqlite3.connect(FILE)) as database, database:
        return database.execute(statement, values).fetchall()


sql(
    "CREATE TABLE IF NOT EXISTS comments (id TEXT PRIMARY KEY, name TEXT, text TEXT, ip TEXT,"
    " state TEXT DEFAULT 'waits', asked DEFAULT 0, told DEFAULT 0)"
)


@app.get("/")
def page() -> str:
    """The post, what is published under it, and what this reader wrote, if it waits."""
    mine = request.args.get("mine", "")
    rows = sql("SELECT name, text, state FROM comments WHERE state = 'published' OR (state = 'waits' AND id = ?)", mine)
    return render_template("post.html", comments=rows)


@app.post("/comments")
def write() -> AnyResponse:
    """Keep the comment first, then ask: a comment that was kept is never lost."""
    comment_id, name, text = uuid.uuid4().hex, request.form["name"][:80], request.form["text"][:10_000]
    sql("INSERT INTO comments (id, name, text, ip) VALUES (?, ?, ?, ?)", comment_id, name, text, request.remote_addr)
    ask()
    return redirect(f"/?mine={comment_id}", 303)


def ask() -> None:
    """Ask about every comment that Hamlet has not seen; if nobody answers they wait, and are sent with the next one."""
    for comment_id, name, text, ip in sql("SELECT id, name, text, ip FROM comments WHERE NOT asked ORDER BY rowid"):
        author, post = Author(name=name, ip=ip), Post(url=request.host_url, title="A post")
        try:
            verdict = hamlet.check(Comment(id=comment_id, text=text, author=author, post=post))
        except HamletUnavailable as failure:
            app.logger.warning("comments wait: %s", failure)
            return
        except HamletRefused as failure:
            app.logger.error("comment %s waits: %s", comment_id, failure)
            continue
        follow(comment_id, verdict.decision)
        sql("UPDATE comments SET asked = 1 WHERE id = ?", comment_id)


@app.post("/hamlet")
def told() -> Response:
    """What was decided later: Hamlet's webhook."""
    try:
        event = verify_webhook(request.get_data(), request.headers, os.environ["HAMLET_WEBHOOK_SECRET"])
    except NotFromHamlet:
        abort(400)
    for decided in event.decisions if isinstance(event, Decisions) else ():
        follow(decided.external_id, decided.decision, decided.number)
    return Response(status=204)


def follow(comment_id: str | None, decision: Decision, number: int = 0) -> None:
    """Do what was decided. A webhook may come twice, or before the first answer: the highest number counts."""
    state = STATES[decision]
    sql("UPDATE comments SET state = ?, told = ? WHERE id = ? AND told <= ?", state, number, comment_id, number)


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
