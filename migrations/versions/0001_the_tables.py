"""The tables of the first version."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ordered = sa.String().with_variant(sa.String(collation="C"), "postgresql")
long = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", ordered, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
    )
    op.create_index("ix_counter_expires", "counter", ["expires"], unique=False)
    op.create_table(
        "actor",
        sa.Column("id", ordered, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.CheckConstraint("id <> ''", name=op.f("ck_actor_id")),
        sa.CheckConstraint(
            "kind IN ('country', 'organisation', 'person', 'group')", name=op.f("ck_actor_kind")
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_actor_name")),
        sa.PrimaryKeyConstraint("id", name="pk_actor"),
    )
    op.create_index("ix_actor_folded", "actor", ["folded"], unique=False)
    op.create_table(
        "answered",
        sa.Column("author", ordered, nullable=False),
        sa.Column("key", ordered, nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("at", ordered, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("tagged", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("author", "key", name="pk_answered"),
    )
    op.create_index("ix_answered_at", "answered", ["at"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("id", ordered, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("created_at", ordered, nullable=False),
        sa.Column("expires_at", ordered, nullable=True),
        sa.Column("revoked_at", ordered, nullable=True),
        sa.CheckConstraint("id <> ''", name=op.f("ck_api_key_id")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_api_key_name")),
        sa.CheckConstraint("scope IN ('read', 'write')", name=op.f("ck_api_key_scope")),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
    )
    op.create_table(
        "change",
        sa.Column("position", long, autoincrement=False, nullable=False),
        sa.Column("at", ordered, nullable=False),
        sa.Column("op", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("record_id", ordered, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cause_kind", sa.String(), nullable=True),
        sa.Column("cause_id", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(cause_kind IS NULL) = (cause_id IS NULL)", name=op.f("ck_change_cause")
        ),
        sa.CheckConstraint("(op = 'delete') = (body IS NULL)", name=op.f("ck_change_body")),
        sa.CheckConstraint(
            "kind IN ('event', 'source', 'actor', 'place', 'type')", name=op.f("ck_change_kind")
        ),
        sa.CheckConstraint(
            "op IN ('create', 'update', 'delete', 'restore')", name=op.f("ck_change_op")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_change_version")),
        sa.PrimaryKeyConstraint("position", name="pk_change"),
    )
    op.create_index(
        "uq_change_revision",
        "change",
        ["kind", "record_id", "version"],
        unique=True,
        sqlite_where=sa.text("cause_kind IS NULL"),
        postgresql_where=sa.text("cause_kind IS NULL"),
    )
    op.create_table(
        "document",
        sa.Column("key", long, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_document"),
        postgresql_with={"toast_tuple_target": 8160},
    )
    op.create_table(
        "place",
        sa.Column("id", ordered, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.CheckConstraint("id <> ''", name=op.f("ck_place_id")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_place_name")),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_place_both_coordinates")
        ),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_place_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_place_longitude")),
        sa.PrimaryKeyConstraint("id", name="pk_place"),
    )
    op.create_index("ix_place_folded", "place", ["folded"], unique=False)
    op.create_table(
        "block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_key", long, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("stamp", long, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_block"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_block_first_key", "block", ["first_key"], unique=False)
    op.create_table(
        "posting",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("term", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "term", name="pk_posting"),
        sqlite_with_rowid=False,
        postgresql_with={"toast_tuple_target": 8160},
    )
    op.create_table(
        "publisher",
        sa.Column("id", ordered, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.CheckConstraint("id <> ''", name=op.f("ck_publisher_id")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_publisher_name")),
        sa.PrimaryKeyConstraint("id", name="pk_publisher"),
        sa.UniqueConstraint("folded", name="uq_publisher_folded"),
    )
    store = op.create_table(
        "store",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("position", long, nullable=False),
        sa.Column("stamp", long, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_store_one_row")),
        sa.PrimaryKeyConstraint("id", name="pk_store"),
    )
    op.create_table(
        "tag",
        sa.Column("id", ordered, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.CheckConstraint("id <> ''", name=op.f("ck_tag_id")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_tag_name")),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
        sa.UniqueConstraint("folded", name="uq_tag_folded"),
    )
    op.create_table(
        "term",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", ordered, nullable=False),
        sa.Column("value", ordered, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_term"),
        sa.UniqueConstraint("kind", "value", name="uq_term_kind_value"),
    )
    op.create_table(
        "timeline",
        sa.Column("key", long, autoincrement=False, nullable=False),
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("start_earliest", sa.Integer(), nullable=False),
        sa.Column("start_latest", sa.Integer(), nullable=False),
        sa.Column("end_earliest", sa.Integer(), nullable=False),
        sa.Column("end_latest", sa.Integer(), nullable=False),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("publishers", sa.Integer(), nullable=False),
        sa.Column("updated_at", ordered, nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("stamp", long, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_timeline"),
        sa.UniqueConstraint("day", "event_id", name="uq_timeline_day_event_id"),
        sa.UniqueConstraint("event_id", name="uq_timeline_event_id"),
    )
    op.create_index("ix_timeline_block_stamp", "timeline", ["block", "stamp"], unique=False)
    op.create_index(
        "ix_timeline_updated_at_event_id", "timeline", ["updated_at", "event_id"], unique=False
    )
    op.create_table(
        "wording",
        sa.Column("key", long, autoincrement=False, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_wording"),
    )
    op.create_table(
        "measurement",
        sa.Column("key", long, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("low", ordered, nullable=False),
        sa.Column("high", ordered, nullable=False),
        sa.PrimaryKeyConstraint("key", "position", name="pk_measurement"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "type",
        sa.Column("id", ordered, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.CheckConstraint("id <> ''", name=op.f("ck_type_id")),
        sa.CheckConstraint("label <> ''", name=op.f("ck_type_label")),
        sa.PrimaryKeyConstraint("id", name="pk_type"),
    )
    op.create_table(
        "actor_alias",
        sa.Column("actor_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.CheckConstraint("alias <> ''", name=op.f("ck_actor_alias_alias")),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name="fk_actor_alias_actor_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("actor_id", "position", name="pk_actor_alias"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_actor_alias_folded", "actor_alias", ["folded"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", ordered, nullable=False),
        sa.Column("type_id", ordered, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("date_edtf", sa.String(), nullable=False),
        sa.Column("date_text", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", ordered, nullable=False),
        sa.Column("updated_at", ordered, nullable=False),
        sa.Column("support_position", sa.Integer(), nullable=False),
        sa.Column("support_role", sa.String(), nullable=False),
        sa.CheckConstraint("date_edtf <> ''", name=op.f("ck_event_date_edtf")),
        sa.CheckConstraint("id <> ''", name=op.f("ck_event_id")),
        sa.CheckConstraint(
            "status IN ('planned', 'ongoing', 'completed', 'cancelled')",
            name=op.f("ck_event_status"),
        ),
        sa.CheckConstraint("support_role = 'supports'", name=op.f("ck_event_support_role")),
        sa.CheckConstraint("title <> ''", name=op.f("ck_event_title")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_event_version")),
        sa.ForeignKeyConstraint(
            ["id", "support_position", "support_role"],
            ["citation.event_id", "citation.position", "citation.role"],
            name="fk_event_has_a_source",
            initially="DEFERRED",
            deferrable=True,
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["type_id"], ["type.id"], name="fk_event_type_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_type_id", "event", ["type_id"], unique=False)
    op.create_table(
        "source",
        sa.Column("id", ordered, nullable=False),
        sa.Column("publisher_id", ordered, nullable=True),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("archive_url", sa.String(), nullable=True),
        sa.Column("published", sa.String(), nullable=True),
        sa.Column("accessed", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.CheckConstraint("id <> ''", name=op.f("ck_source_id")),
        sa.CheckConstraint(
            "kind IN ('news', 'analysis', 'official', 'report', 'book', 'dataset', 'web-page', 'other')",
            name=op.f("ck_source_kind"),
        ),
        sa.CheckConstraint(
            "coalesce(publisher_id, nullif(title, ''), nullif(url, ''), nullif(published, ''),"
            " nullif(accessed, '')) IS NOT NULL",
            name=op.f("ck_source_identified"),
        ),
        sa.ForeignKeyConstraint(
            ["publisher_id"],
            ["publisher.id"],
            name="fk_source_publisher_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
    )
    op.create_index("ix_source_publisher_id", "source", ["publisher_id"], unique=False)
    op.create_index("ix_source_url", "source", ["url"], unique=False)
    op.create_table(
        "citation",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_id", ordered, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=True),
        sa.Column("locator", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "role IN ('supports', 'contradicts', 'context')", name=op.f("ck_citation_role")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name="fk_citation_event_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.id"],
            name="fk_citation_source_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name="pk_citation"),
        sa.UniqueConstraint(
            "event_id", "position", "role", name="uq_citation_event_id_position_role"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_citation_source_id", "citation", ["source_id"], unique=False)
    op.create_table(
        "event_actor",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("actor_id", ordered, nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.CheckConstraint("role <> ''", name=op.f("ck_event_actor_role")),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["actor.id"],
            name="fk_event_actor_actor_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name="fk_event_actor_event_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name="pk_event_actor"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_actor_actor_id", "event_actor", ["actor_id"], unique=False)
    op.create_table(
        "event_place",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("place_id", ordered, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name="fk_event_place_event_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["place.id"],
            name="fk_event_place_place_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name="pk_event_place"),
        sa.UniqueConstraint("event_id", "place_id", name="uq_event_place_event_id_place_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_place_place_id", "event_place", ["place_id"], unique=False)
    op.create_table(
        "event_tag",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tag_id", ordered, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name="fk_event_tag_event_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"],
            ["tag.id"],
            name="fk_event_tag_tag_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name="pk_event_tag"),
        sa.UniqueConstraint("event_id", "tag_id", name="uq_event_tag_event_id_tag_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_tag_tag_id", "event_tag", ["tag_id"], unique=False)
    op.create_table(
        "quantity",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("max_value", sa.String(), nullable=True),
        sa.Column("qualifier", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(qualifier = 'between') = (max_value IS NOT NULL)", name=op.f("ck_quantity_between")
        ),
        sa.CheckConstraint("measure <> ''", name=op.f("ck_quantity_measure")),
        sa.CheckConstraint(
            "qualifier IN ('exactly', 'about', 'at-least', 'at-most', 'between')",
            name=op.f("ck_quantity_qualifier"),
        ),
        sa.CheckConstraint("value <> ''", name=op.f("ck_quantity_value")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name="fk_quantity_event_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name="pk_quantity"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "relation",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("target_id", ordered, nullable=False),
        sa.CheckConstraint(
            "relation IN ('follows', 'part-of', 'implements', 'responds-to', 'causes', 'amends', 'supersedes', 'contradicts', 'confirms', 'related')",
            name=op.f("ck_relation_relation"),
        ),
        sa.CheckConstraint("target_id <> event_id", name=op.f("ck_relation_other_event")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["event.id"],
            name="fk_relation_event_id",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["event.id"],
            name="fk_relation_target_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("event_id", "position", name="pk_relation"),
        sa.UniqueConstraint(
            "event_id", "relation", "target_id", name="uq_relation_event_id_relation_target_id"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_relation_target_id", "relation", ["target_id"], unique=False)
    op.create_table(
        "citation_claim",
        sa.Column("event_id", ordered, nullable=False),
        sa.Column("citation_position", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(), nullable=False),
        sa.CheckConstraint(
            "claim IN ('type', 'title', 'summary', 'date', 'status', 'actors', 'places', 'quantities', 'tags', 'related')",
            name=op.f("ck_citation_claim_claim"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id", "citation_position"],
            ["citation.event_id", "citation.position"],
            name="fk_citation_claim_event_id_citation_position",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint(
            "event_id", "citation_position", "position", name="pk_citation_claim"
        ),
        sqlite_with_rowid=False,
    )
    bind = op.get_bind()
    if bind.dialect.supports_alter:  # elsewhere it stands in the table already
        op.create_foreign_key(
            "fk_event_has_a_source",
            "event",
            "citation",
            ["id", "support_position", "support_role"],
            ["event_id", "position", "role"],
            deferrable=True,
            initially="DEFERRED",
        )
    op.bulk_insert(store, [{"id": 1, "epoch": secrets.token_hex(8), "position": 0, "stamp": 0}])
