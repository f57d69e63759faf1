"""Many rows in one statement, for the paths where the ORM's cost per row would be most of the work.

On PostgreSQL the rows travel as one JSON parameter, which the server unpacks (`json_to_recordset`), to statements that
it has prepared; on SQLite, as many parameter sets. Values are what the columns hold: ids, not instances.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import psycopg
from django.db import connection, models

Rows = Sequence[Sequence[Any]]


def insert(table: type[models.Model], columns: Sequence[str], rows: Rows, *, on_conflict: str = "") -> None:
    """Insert rows; `on_conflict` says what becomes of those that a unique constraint forbids ("DO NOTHING")."""
    if not rows:
        return
    if is_postgresql():
        _prepared(_insert_sql(table, tuple(columns), on_conflict), [_packed(columns, rows)])
        return
    names, marks = _quoted(columns), ", ".join(["%s"] * len(columns))
    tail = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    with connection.cursor() as cursor:
        sql = f'INSERT INTO "{table._meta.db_table}" ({names}) VALUES ({marks}){tail}'
        cursor.executemany(sql, _adapted(table, columns, rows))


def update(table: type[models.Model], columns: Sequence[str], rows: Rows) -> None:
    """Update rows by primary key. The first column is `id`; the caller holds locks on the rows."""
    if not rows:
        return
    if is_postgresql():
        _prepared(_update_sql(table, tuple(columns)), [_packed(columns, rows)])
        return
    sets = ", ".join(f'"{column}" = %s' for column in columns[1:])
    values = [[*row[1:], row[0]] for row in _adapted(table, columns, rows)]
    with connection.cursor() as cursor:
        cursor.executemany(f'UPDATE "{table._meta.db_table}" SET {sets} WHERE "id" = %s', values)


def execute(sql: str, ids: Iterable[int], *more: Any) -> None:
    """Run a statement in which `{ids}` stands for "is one of these ids"."""
    wanted = list(ids)
    if not wanted:
        return
    if is_postgresql():
        _prepared(sql.replace("{ids}", ANY), [array(wanted), *more])
        return
    marks = ", ".join(["%s"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{ids}", f"IN ({marks})"), [*wanted, *more])


def select(sql: str, ids: Iterable[int], *more: Any, lock: str = "") -> list[tuple[Any, ...]]:
    """Rows of a query in which `{ids}` stands for "is one of these ids"; `lock` is appended where rows can be locked.

    On SQLite the write transaction itself is exclusive.
    """
    wanted = list(ids)
    if not wanted:
        return []
    if is_postgresql():
        return rows_of(f"{sql.replace('{ids}', ANY)} {lock}", [array(wanted), *more])
    marks = ", ".join(["%s"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{ids}", f"IN ({marks})"), [*wanted, *more])
        return [tuple(map(aware, row)) for row in cursor.fetchall()]


def rows_of(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a prepared query of PostgreSQL."""
    cursor = _prepared(sql, values)
    with connection.wrap_database_errors:
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@contextmanager
def pipeline() -> Iterator[None]:
    """Send statements without waiting for those before them; whoever wants rows waits for its own.

    An error of a write surfaces at a later statement or at the end of the block, whose transaction must end, too. Counts
    of changed rows are not known inside.
    """
    if not is_postgresql():
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


ANY = "= ANY(%s::bigint[])"


def array(ids: Iterable[int]) -> str:
    """Whole numbers as PostgreSQL writes an array: much cheaper than adapting a list, number by number."""
    return "{" + ",".join(map(str, ids)) + "}"


def aware(value: Any) -> Any:
    """A moment as SQLite stores it (UTC without saying so) with its time zone; anything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def loads(value: Any) -> Any:
    """A JSON column as it comes from a raw cursor."""
    return orjson.loads(value) if value is not None else None


def dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def gathered(*columns: str) -> str:
    """SQL for a group's rows as one JSON array, which is read much faster than many short texts: of the values of one
    column (numbers or JSON), or of arrays of several."""
    row = " || ',' || ".join(f"cast({column} AS text)" for column in columns)
    row = f"'[' || {row} || ']'" if len(columns) > 1 else row
    together = f"string_agg({row}, ',')" if is_postgresql() else f"group_concat({row}, ',')"
    return f"'[' || {together} || ']'"


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _prepared(sql: str, values: Sequence[Any]) -> Any:
    """Run a statement that the server parses and plans once per connection. Django's own cursors write the values into
    the text instead, to be quoted here and read again there at every call."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        return psycopg.Cursor(connection.connection).execute(sql, values, prepare=True)


def _packed(columns: Sequence[str], rows: Rows) -> str:
    return dumps([dict(zip(columns, row, strict=True)) for row in rows])


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


@cache
def _insert_sql(table: type[models.Model], columns: tuple[str, ...], on_conflict: str) -> str:
    names = _quoted(columns)
    tail = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    source = _recordset(table, columns)
    return f'INSERT INTO "{table._meta.db_table}" ({names}) SELECT {names} FROM {source} WHERE true{tail}'


@cache
def _update_sql(table: type[models.Model], columns: tuple[str, ...]) -> str:
    sets = ", ".join(f'"{column}" = r."{column}"' for column in columns[1:])
    return f'UPDATE "{table._meta.db_table}" AS t SET {sets} FROM {_recordset(table, columns)} WHERE t."id" = r."id"'


def _recordset(table: type[models.Model], columns: tuple[str, ...]) -> str:
    fields = {field.column: field for field in table._meta.concrete_fields}
    types = ", ".join(f'"{column}" {fields[column].rel_db_type(connection)}' for column in columns)
    return f"json_to_recordset(%s::json) AS r({types})"


def _adapted(table: type[models.Model], columns: Sequence[str], rows: Rows) -> list[list[Any]]:
    fields = {str(field.column): field for field in table._meta.concrete_fields}
    chosen = [fields[column] for column in columns]
    return [
        [field.get_db_prep_save(value, connection) for field, value in zip(chosen, row, strict=True)]
        for row in rows
    ]
