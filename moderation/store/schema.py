"""The tables. Migrations end here: a test compares both.

Times are milliseconds since 1970, UTC, in 64-bit integers. Revisions, verdicts and reviews are only ever added.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    comment="Facts about this database, such as which secret its hashes were made with",
)

sites = Table(
    "sites",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("policy", Text, nullable=False, comment="JSON: head to thresholds that differ from the model's"),
    Column("policy_number", Integer, nullable=False, comment="Counts the changes of policy"),
    Column("created_at", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("site_id", ForeignKey("sites.id"), nullable=False, index=True),
    Column("prefix", String(4), nullable=False),
    Column("digest", String(64), nullable=False, unique=True, comment="HMAC-SHA-256 of the key"),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

comments = Table(
    "comments",
    metadata,
    Column("id", String(32), primary_key=True, comment="Sorts by time of arrival"),
    Column("site_id", ForeignKey("sites.id"), nullable=False),
    Column("external_id", String(255), comment="The site's own id"),
    Column("is_test", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("site_id", "external_id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the content"),
    Column("body", Text, nullable=False, comment="The comment as JSON, as its site sent it"),
    Column("received_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("comment_id", "number"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1"),
    Column("revision", Integer, nullable=False),
    Column("decision", String(6), nullable=False),
    Column("scores", Text, nullable=False, comment="JSON: head to probability"),
    Column("baseline", Text, nullable=False, comment="JSON: head to log-odds before any evidence"),
    Column("reasons", Text, nullable=False, comment="JSON"),
    Column("model", String(64), nullable=False),
    Column("policy", String(128), nullable=False),
    Column("judged_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("comment_id", "number"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("comment_id", ForeignKey("comments.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="From 1; the newest counts"),
    Column("outcome", String(5), nullable=False, comment="ham, spam, abuse or other"),
    Column("reviewer", String(64), nullable=False),
    Column("note", Text),
    Column("reviewed_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("comment_id", "number"),
)
