"""Thousands of new rows at once: their ids are reserved beforehand, and PostgreSQL receives them by COPY.

With ids known before anything is written, rows that refer to each other are decided in memory and written once. Inside a
pipeline, where COPY cannot run, and on SQLite, the rows travel as in `bulk.insert`.
"""

import gc
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

import orjson
import psycopg
from django.db import connection, models
from django.db.models.base import ModelState
from psycopg.pq import PipelineStatus

from webapp.labeling import bulk

Row = TypeVar("Row", bound=models.Model)

LEAST_COPY = 50  # rows; below, one prepared statement costs less than starting a COPY
CHUNK = 100  # rows sent at a time: PostgreSQL stores them while the next are written down


def spare_the_collector() -> None:
    """Let the garbage collector look less often, in a process that opens scenes: their rows are many and hardly any of them
    refer to each other in a circle, and at the usual thresholds a third of the time goes into looking for such."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def reserve(table: type[models.Model], count: int) -> list[int]:
    """Return ids for `count` new rows. On SQLite the caller's write transaction, being exclusive, keeps them free."""
    if not count:
        return []
    name = table._meta.db_table
    if bulk.is_postgresql():
        sql = f"SELECT nextval(pg_get_serial_sequence('{name}', 'id')) FROM generate_series(1, %s)"
        return [row[0] for row in bulk.rows_of(sql, [count])]
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT max((SELECT coalesce(max(id), 0) FROM "{name}"),'
            " coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0))",
            [name],
        )
        last = cursor.fetchone()[0]
    return list(range(last + 1, last + 1 + count))


def load(table: type[models.Model], columns: Sequence[str], rows: bulk.Rows) -> None:
    """Insert rows with ids of their own; raises IntegrityError like any insertion."""
    if len(rows) < LEAST_COPY or not bulk.is_postgresql() or _in_pipeline():
        bulk.insert(table, columns, rows)
        return
    writers = _writers(table, tuple(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    connection.validate_no_broken_transaction()
    sql = f'COPY "{table._meta.db_table}" ({names}) FROM STDIN'
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(sql) as copy,
    ):
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            written = [
                _column(write, values) for write, values in zip(writers, zip(*part, strict=True), strict=True)
            ]
            copy.write("\n".join(map("\t".join, zip(*written, strict=True))) + "\n")


def insert(rows: Sequence[models.Model], skipped: Sequence[str] = ()) -> None:
    """Insert instances of one table that have their ids, without the columns `skipped`; from then on they count as stored."""
    if not rows:
        return
    table = type(rows[0])
    columns = [column for column in _columns(table) if column not in skipped]
    values = itemgetter(*columns)
    load(table, columns, [values(row.__dict__) for row in rows])
    for row in rows:
        row._state.adding = False


def new(table: type[Row], *, related: dict[str, Any], **values: Any) -> Row:
    """Return an instance that is not stored yet: `related` are instances by the name of their foreign key, `values` columns.

    As the constructor, but without the signals and descriptors that take most of its time and that nothing here listens
    to. What is not given has its default.
    """
    instance = table.__new__(table)
    state = instance.__dict__
    plain, fresh = _defaults(table)
    state.update(plain)
    for column, default in fresh:
        if column not in values:
            state[column] = default()
    state.update(values)
    instance._state = ModelState()
    instance._state.db = "default"
    instance._state.fields_cache = dict(related)
    for name, other in related.items():
        state[f"{name}_id"] = None if other is None else other.__dict__["id"]
    return instance


def _in_pipeline() -> bool:
    connection.ensure_connection()
    return bool(connection.connection.pgconn.pipeline_status != PipelineStatus.OFF)


@cache
def _columns(table: type[models.Model]) -> list[str]:
    return [str(field.attname) for field in table._meta.concrete_fields]


@cache
def _defaults(table: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Defaults by column: those that all rows share, and those that are made anew for each row."""
    shared: dict[str, Any] = {}
    fresh: list[tuple[str, Callable[[], Any]]] = []
    for field in table._meta.concrete_fields:
        default: Any = field.default if field.has_default() else field.get_default()
        if callable(default):
            fresh.append((str(field.attname), default))
        else:
            shared[str(field.attname)] = default
    return shared, fresh


# What COPY reads ---------------------------------------------------------------------------------------------


@cache
def _writers(table: type[models.Model], columns: tuple[str, ...]) -> list[Callable[[Any], str]]:
    fields = {str(field.column): field for field in table._meta.concrete_fields}
    return [_json if isinstance(fields[column], models.JSONField) else _text for column in columns]


def _column(write: Callable[[Any], str], values: Sequence[Any]) -> Iterable[str]:
    """The texts of one column of some rows; what all of them share, as most defaults are, is written once."""
    if len(set(map(id, values))) == 1:
        return [write(values[0])] * len(values)
    return map(write, values)


def _json(value: Any) -> str:
    # JSON holds no raw tabs or line ends, so that only its backslashes need escaping.
    if value is None:
        return r"\N"
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode().replace("\\", "\\\\")


def _text(value: Any) -> str:
    kind = type(value)
    if kind is int or kind is float:
        return repr(value)
    if value is None:
        return r"\N"
    if kind is bool:
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text
