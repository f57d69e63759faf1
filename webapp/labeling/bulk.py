"""Many rows in one statement, for the paths where the ORM's cost per row would be most of the work.

On PostgreSQL the rows travel as one JSON parameter, which the server unpacks (`json_to_recordset`); on SQLite, as many
parameter sets. Values are what the columns hold: ids, not instances.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from django.db import connection, models

Rows = Sequence[Sequence[Any]]


def insert(table: type[models.Model], columns: Sequence[str], rows: Rows, *, on_conflict: str = "") -> None:
    """Insert rows; `on_conflict` says what becomes of those that a unique constraint forbids ("DO NOTHING")."""
    if not rows:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    tail = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    head = f'INSERT INTO "{table._meta.db_table}" ({names})'
    with connection.cursor() as cursor:
        if _is_postgresql():
            cursor.execute(
                f"{head} SELECT {names} FROM {_recordset(table, tuple(columns))} WHERE true{tail}",
                [_packed(columns, rows)],
            )
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"{head} VALUES ({marks}){tail}", _prepared(table, columns, rows))


def update(table: type[models.Model], columns: Sequence[str], rows: Rows) -> None:
    """Update rows by primary key. The first column is `id`; the caller holds locks on the rows."""
    if not rows:
        return
    changed = columns[1:]
    name = table._meta.db_table
    with connection.cursor() as cursor:
        if _is_postgresql():
            sets = ", ".join(f'"{column}" = r."{column}"' for column in changed)
            cursor.execute(
                f'UPDATE "{name}" AS t SET {sets} FROM {_recordset(table, tuple(columns))} WHERE t."id" = r."id"',
                [_packed(columns, rows)],
            )
        else:
            sets = ", ".join(f'"{column}" = %s' for column in changed)
            prepared = [[*row[1:], row[0]] for row in _prepared(table, columns, rows)]
            cursor.executemany(f'UPDATE "{name}" SET {sets} WHERE "id" = %s', prepared)


def select(sql: str, ids: Iterable[Any], *more: Any, lock: str = "") -> list[tuple[Any, ...]]:
    """Rows of a query in which `{ids}` stands for "is one of these ids"; `lock` is appended where rows can be locked.

    On SQLite the write transaction itself is exclusive.
    """
    wanted = list(ids)
    if not wanted:
        return []
    with connection.cursor() as cursor:
        if _is_postgresql():
            cursor.execute(f"{sql.replace('{ids}', '= ANY(%s)')} {lock}", [wanted, *more])
            return cursor.fetchall()
        marks = ", ".join(["%s"] * len(wanted))
        cursor.execute(sql.replace("{ids}", f"IN ({marks})"), [*wanted, *more])
        return [tuple(map(_aware, row)) for row in cursor.fetchall()]


def _aware(value: Any) -> Any:
    """A moment as SQLite stores it (UTC without saying so) with its time zone; anything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def loads(value: Any) -> Any:
    """A JSON column as it comes from a raw cursor."""
    return orjson.loads(value) if value is not None else None


def dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _packed(columns: Sequence[str], rows: Rows) -> str:
    return dumps([dict(zip(columns, row, strict=True)) for row in rows])


@cache
def _recordset(table: type[models.Model], columns: tuple[str, ...]) -> str:
    fields = {field.column: field for field in table._meta.concrete_fields}
    types = ", ".join(f'"{column}" {fields[column].rel_db_type(connection)}' for column in columns)
    return f"json_to_recordset(%s::json) AS r({types})"


def _prepared(table: type[models.Model], columns: Sequence[str], rows: Rows) -> list[list[Any]]:
    fields = {str(field.column): field for field in table._meta.concrete_fields}
    chosen = [fields[column] for column in columns]
    return [
        [field.get_db_prep_save(value, connection) for field, value in zip(chosen, row, strict=True)]
        for row in rows
    ]
