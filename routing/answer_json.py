"""Tables written as JSON, an array of objects or one object a line, read into the rows that a CSV would have."""

import json
from collections.abc import Iterable, Iterator

from routing.table_error import TableError

SPACE = " \t\r\n"


def json_rows(text: Iterable[str], source: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the field names of the first object and an iterator of (line number, fields as text).

    A string is taken as it is, everything else in its JSON form; null counts as empty. Every object must have the same
    fields; raises TableError naming the line where one starts.
    """
    try:
        whole = "".join(text)
    except UnicodeDecodeError as error:
        raise TableError(f"{source}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    objects = _objects(whole.lstrip("\ufeff"), source)
    try:
        line, first = next(objects)
    except StopIteration:
        raise TableError(f"{source}: no objects in the file; add at least one") from None
    header = list(first)

    def body() -> Iterator[tuple[int, list[str]]]:
        yield line, [_text(value) for value in first.values()]
        for at, entry in objects:
            if entry.keys() != first.keys():
                odd = sorted(entry.keys() ^ first.keys())[0]
                raise TableError(
                    f"{source}, line {at}: field {odd!r} is not in every object; give the same fields"
                )
            yield at, [_text(entry[name]) for name in header]

    return header, body()


def _objects(text: str, source: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield (line number, object) of an array or of one object after the other."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0, SPACE)
    separators = SPACE
    array = text[at : at + 1] == "["
    if array:
        at, separators = at + 1, SPACE + ","
    line, counted = 1, 0
    while True:
        at = _skip(text, at, separators)
        line, counted = line + text.count("\n", counted, at), at
        if at >= len(text) or (array and text[at] == "]"):
            break
        try:
            value, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            where = line if isinstance(error, RecursionError) else error.lineno
            raise TableError(
                f"{source}, line {where}: not JSON ({error}); write an array of objects, or one a line"
            ) from None
        if not isinstance(value, dict):
            raise TableError(f"{source}, line {line}: not an object; give one object for each answer")
        yield line, value
    if array and at >= len(text):
        raise TableError(f"{source}, line {line}: the array does not end; add ']'")


def _skip(text: str, at: int, what: str) -> int:
    while at < len(text) and text[at] in what:
        at += 1
    return at


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
