"""The database's own part: triggers on the document table that see every write path.

On every change of a document they raise its `revision` and replace its PendingChange row for each version that is
fed (building, ready, active). When a version is deleted, its pending rows go with it, whoever deletes and in
whatever order (`manage.py flush` deletes versions before or after documents). What a change replaces is kept as a
DocumentRevision, and goes with its document. They fire for the ORM, bulk operations
and plain SQL alike, in the writer's own transaction. `install` is idempotent: the migration calls it, and so does
every `migrate` afterwards, because SQLite drops the triggers of a table that a later migration rebuilds.

Measured on SQLite: an `ON CONFLICT` clause inside a trigger is overruled by the statement that fires it
(`INSERT OR IGNORE` would lose the change), hence DELETE and INSERT instead of an upsert there.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

WATCHED = ("collection_id", "external_id", "title", "body", "url", "language", "metadata", "state", "visibility")
KEPT = ("title", "body", "url", "language", "metadata", "state", "visibility")
_FED = "('building', 'ready', 'active')"
_HISTORY = "search_documentrevision"


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers, replacing older ones. Raises NotImplementedError on an unknown database."""
    statements = _statements(connection.vendor)
    if _HISTORY in connection.introspection.table_names():  # while its migration is still to come, there is none
        statements += _history_sqlite() if connection.vendor == "sqlite" else _history_postgresql()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def uninstall(connection: BaseDatabaseWrapper) -> None:
    """Remove the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP TRIGGER IF EXISTS search_document_revision ON search_document")
            cursor.execute("DROP TRIGGER IF EXISTS search_document_pending ON search_document")
            cursor.execute("DROP TRIGGER IF EXISTS search_document_history ON search_document")
            cursor.execute("DROP TRIGGER IF EXISTS search_indexversion_pending ON search_indexversion")
            cursor.execute("DROP FUNCTION IF EXISTS search_document_history()")
            cursor.execute("DROP FUNCTION IF EXISTS search_indexversion_pending()")
            cursor.execute("DROP FUNCTION IF EXISTS search_document_revision()")
            cursor.execute("DROP FUNCTION IF EXISTS search_document_pending()")
            return
        for name in ("after_insert", "after_update", "after_delete", "history_update", "history_delete"):
            cursor.execute(f"DROP TRIGGER IF EXISTS search_document_{name}")
        cursor.execute("DROP TRIGGER IF EXISTS search_indexversion_after_delete")


def installed(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether the database has all of the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgname IN "
                "('search_document_revision', 'search_document_pending', 'search_document_history', "
                "'search_indexversion_pending') "
                "AND tgrelid IN ('search_document'::regclass, 'search_indexversion'::regclass)"
            )
            return bool(cursor.fetchone()[0] == 4)
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN "
            "('search_document_after_insert', 'search_document_after_update', 'search_document_after_delete', "
            "'search_document_history_update', 'search_document_history_delete', 'search_indexversion_after_delete')"
        )
        return bool(cursor.fetchone()[0] == 6)


def _statements(vendor: str) -> list[str]:
    if vendor == "sqlite":
        return _sqlite()
    if vendor == "postgresql":
        return _postgresql()
    raise NotImplementedError(f"Semsearch runs on SQLite and PostgreSQL; {vendor} has no triggers for it yet.")


def _sqlite() -> list[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in WATCHED)

    def pending(collection: str, document: str, revision: str) -> str:
        versions = f"SELECT id FROM search_indexversion WHERE state IN {_FED} AND collection_id = {collection}"
        return (
            f"DELETE FROM search_pendingchange WHERE document_id = {document} AND version_id IN ({versions});"
            "INSERT INTO search_pendingchange"
            " (version_id, document_id, revision, attempts, not_before, quarantined, last_error, created_at)"
            f" SELECT id, {document}, {revision}, 0, {now}, 0, '', {now}"
            f" FROM search_indexversion WHERE state IN {_FED} AND collection_id = {collection};"
        )

    drops = [f"DROP TRIGGER IF EXISTS search_document_after_{name}" for name in ("insert", "update", "delete")]
    return [
        *drops,
        "DROP TRIGGER IF EXISTS search_indexversion_after_delete",
        "CREATE TRIGGER search_indexversion_after_delete AFTER DELETE ON search_indexversion BEGIN "
        "DELETE FROM search_pendingchange WHERE version_id = OLD.id; END",
        "CREATE TRIGGER search_document_after_insert AFTER INSERT ON search_document BEGIN "
        + pending("NEW.collection_id", "NEW.id", "NEW.revision")
        + " END",
        f"CREATE TRIGGER search_document_after_update AFTER UPDATE ON search_document WHEN {changed}"
        " OR NEW.revision IS NOT OLD.revision BEGIN "
        "UPDATE search_document SET revision = OLD.revision + "
        f"(CASE WHEN {changed} THEN 1 ELSE 0 END) WHERE id = NEW.id;"
        f"DELETE FROM search_pendingchange WHERE document_id = NEW.id AND ({changed}) AND version_id IN "
        f"(SELECT id FROM search_indexversion WHERE state IN {_FED}"
        " AND collection_id IN (OLD.collection_id, NEW.collection_id));"
        "INSERT INTO search_pendingchange"
        " (version_id, document_id, revision, attempts, not_before, quarantined, last_error, created_at)"
        f" SELECT id, NEW.id, OLD.revision + 1, 0, {now}, 0, '', {now}"
        f" FROM search_indexversion WHERE state IN {_FED} AND ({changed})"
        " AND collection_id IN (OLD.collection_id, NEW.collection_id); END",
        "CREATE TRIGGER search_document_after_delete AFTER DELETE ON search_document BEGIN "
        "DELETE FROM search_document_groups WHERE document_id = OLD.id;"
        + pending("OLD.collection_id", "OLD.id", "OLD.revision + 1")
        + " END",
    ]


def _postgresql() -> list[str]:
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in WATCHED)
    return [
        # The row's revision is this function's alone: an application cannot set it back.
        f"""
        CREATE OR REPLACE FUNCTION search_document_revision() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.revision := OLD.revision + CASE WHEN {changed} THEN 1 ELSE 0 END;
            RETURN NEW;
        END $$
        """,
        f"""
        CREATE OR REPLACE FUNCTION search_document_pending() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            here bigint; there bigint; doc bigint; rev bigint;
        BEGIN
            IF TG_OP = 'DELETE' THEN
                DELETE FROM search_document_groups WHERE document_id = OLD.id;
                here := OLD.collection_id; there := OLD.collection_id; doc := OLD.id; rev := OLD.revision + 1;
            ELSIF TG_OP = 'INSERT' THEN
                here := NEW.collection_id; there := NEW.collection_id; doc := NEW.id; rev := NEW.revision;
            ELSE
                IF NOT ({changed}) THEN RETURN NULL; END IF;
                here := NEW.collection_id; there := OLD.collection_id; doc := NEW.id; rev := NEW.revision;
            END IF;
            INSERT INTO search_pendingchange
                (version_id, document_id, revision, attempts, not_before, quarantined, last_error, created_at)
            SELECT id, doc, rev, 0, clock_timestamp(), false, '', clock_timestamp()
            FROM search_indexversion
            WHERE state IN {_FED} AND collection_id IN (here, there)
            ON CONFLICT (version_id, document_id) DO UPDATE SET
                id = EXCLUDED.id, revision = EXCLUDED.revision, attempts = 0, not_before = EXCLUDED.not_before,
                quarantined = false, last_error = '', created_at = EXCLUDED.created_at;
            RETURN NULL;
        END $$
        """,
        """
        CREATE OR REPLACE FUNCTION search_indexversion_pending() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM search_pendingchange WHERE version_id = OLD.id;
            RETURN NULL;
        END $$
        """,
        "DROP TRIGGER IF EXISTS search_indexversion_pending ON search_indexversion",
        "CREATE TRIGGER search_indexversion_pending AFTER DELETE ON search_indexversion "
        "FOR EACH ROW EXECUTE FUNCTION search_indexversion_pending()",
        "DROP TRIGGER IF EXISTS search_document_revision ON search_document",
        "CREATE TRIGGER search_document_revision BEFORE UPDATE ON search_document "
        "FOR EACH ROW EXECUTE FUNCTION search_document_revision()",
        "DROP TRIGGER IF EXISTS search_document_pending ON search_document",
        "CREATE TRIGGER search_document_pending AFTER INSERT OR UPDATE OR DELETE ON search_document "
        "FOR EACH ROW EXECUTE FUNCTION search_document_pending()",
    ]


def _history_sqlite() -> list[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in KEPT)
    replaced = ", ".join(f"CASE WHEN NEW.{column} IS NOT OLD.{column} THEN OLD.{column} END" for column in KEPT)
    return [
        "DROP TRIGGER IF EXISTS search_document_history_update",
        "DROP TRIGGER IF EXISTS search_document_history_delete",
        f"CREATE TRIGGER search_document_history_update AFTER UPDATE ON search_document WHEN {changed} BEGIN "
        f"INSERT INTO {_HISTORY} (document_id, revision, at, how, detail, {', '.join(KEPT)})"
        f" VALUES (OLD.id, OLD.revision, {now}, '', '', {replaced}); END",
        "CREATE TRIGGER search_document_history_delete AFTER DELETE ON search_document BEGIN "
        f"DELETE FROM {_HISTORY} WHERE document_id = OLD.id; END",
    ]


def _history_postgresql() -> list[str]:
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in KEPT)
    replaced = ", ".join(
        f"CASE WHEN NEW.{column} IS DISTINCT FROM OLD.{column} THEN OLD.{column} END" for column in KEPT
    )
    return [
        f"""
        CREATE OR REPLACE FUNCTION search_document_history() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                DELETE FROM {_HISTORY} WHERE document_id = OLD.id;
            ELSIF {changed} THEN
                INSERT INTO {_HISTORY} (document_id, revision, at, how, detail, {", ".join(KEPT)})
                VALUES (OLD.id, OLD.revision, clock_timestamp(), '', '', {replaced});
            END IF;
            RETURN NULL;
        END $$
        """,
        "DROP TRIGGER IF EXISTS search_document_history ON search_document",
        "CREATE TRIGGER search_document_history AFTER UPDATE OR DELETE ON search_document "
        "FOR EACH ROW EXECUTE FUNCTION search_document_history()",
    ]
