"""The portable subset of SQL: what a text may use, with its one meaning on DuckDB and on Spark.

The engines differ silently, so a text may use only what is listed here, and `faults` names whatever else it
uses. What no list can see (the order of equal keys, an empty group, a value with a line break) is compared by
running every text on both engines over the same Parquet (tests/spark). Rules, beside the lists:

- every ORDER BY says ASC or DESC and NULLS FIRST or LAST: the engines' defaults differ;
- a running aggregate says ROWS: with RANGE, rows of equal keys share a value, and neither is what was meant;
- a divisor is a literal other than 0 or a NULLIF: Spark stops on a division by zero, DuckDB says null;
- a number with a fraction is written with an exponent (``1e6``): without one it is a DECIMAL, whose division
  has another type and other digits on Spark;
- no backslash in a literal: Spark reads it as an escape, DuckDB as itself;
- ``min_by`` says FILTER (WHERE value IS NOT NULL): DuckDB skips null values, Spark takes them; its key is
  unique in the group (a row_number), because among equal keys each engine takes another row;
- ``array_agg`` stands inside ``array_sort`` and says FILTER (WHERE … IS NOT NULL): DuckDB keeps nulls, Spark
  drops them (and of no value at all makes an empty list, DuckDB a null);
- a subquery stands in no join's ON: Spark refuses one that looks at both sides;
- IN (SELECT …) stands in WHERE only: of a null it is null on DuckDB and false on Spark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import duckdb

Node = dict[str, Any]

# Functions and operators by their names in DuckDB's parser; a text writes LIKE for ~~ and NOT LIKE for !~~.
FUNCTIONS: Final[dict[str, str]] = {
    "+": "sum of whole microseconds or counts; overflow is an error on both",
    "-": "difference, or a negative number",
    "*": "product; overflow is an error on both",
    "%": "remainder of whole numbers, with the sign of the first; see the rule about divisors",
    "/": "always a DOUBLE, of whole numbers too; see the rule about divisors",
    "||": "texts joined; null if one is null",
    "~~": "LIKE: % and _, no escape; by bytes, so letters of any case are different",
    "!~~": "NOT LIKE",
    "abs": "absolute value",
    "array_agg": "list of a group's values in no order; only within array_sort",
    "array_contains": "whether the list holds the value; lists hold no nulls",
    "array_sort": "the list in ascending order, texts by their bytes",
    "bool_and": "true if all are; nulls do not count, a group of nulls is null",
    "bool_or": "true if one is; nulls do not count, a group of nulls is null",
    "concat": "texts joined; of arguments that are never null, since Spark is null and DuckDB skips it",
    "contains": "whether the first text holds the second, to the letter",
    "count": "how many are not null; DISTINCT too",
    "count_star": "count(*): how many rows",
    "floor": "largest whole number not above; BIGINT on Spark, DOUBLE on DuckDB: cast, or compare, or group",
    "from_utc_timestamp": "wall clock of an instant in a zone; the doubled hour follows the instant",
    "greatest": "largest; nulls are skipped",
    "hour": "hour of a wall clock, 0 to 23",
    "lag": "value of the row before in the window's order; null before the first",
    "lead": "value of the row after",
    "least": "smallest; nulls are skipped",
    "length": "number of characters, not bytes",
    "lpad": "text filled on the left to this many characters, cut there if longer",
    "max": "largest; texts by their bytes, false below true; null of no value",
    "md5": "digest of a text in UTF-8, as 32 hex digits",
    "min": "smallest",
    "min_by": "value at the smallest key; see the rule",
    "nullif": "null where both are equal",
    "regexp_extract": "the group of the first match; '' where nothing matches, null of null",
    "regexp_like": "whether the pattern is found anywhere",
    "replace": "every occurrence replaced, to the letter",
    "round": "to so many digits, halves away from zero",
    "row_number": "place in the window's order, from 1; the order leaves no equals",
    "split_part": "the n-th part, from 1; '' beyond the last",
    "substr": "characters from the n-th, from 1",
    "substring": "characters from the n-th, from 1",
    "sum": "of whole numbers; HUGEINT on DuckDB, BIGINT on Spark, where overflow is an error",
    "timestamp_micros": "the instant of whole microseconds since 1970",
    "unix_micros": "whole microseconds since 1970 of an instant",
}  # fmt: skip
# Patterns are the part that RE2 and Java read alike: classes, groups, * + ? and *?, {m,n}, ^ and $. The
# values hold no line break ($ is before a last one in Java): what a PBX says is a line.
TYPES: Final[dict[str, str]] = {
    "BIGINT": "64 bits; a text that is no number is an error on both",
    "DATE": "day of a wall clock",
    "DOUBLE": "64 bits",
    "STRING": "text; an instant in UTC with its fraction, without trailing zeros",
}
# What else the parser may find: expressions, then parts of a statement.
EXPRESSIONS: Final = frozenset(
    {
        "CASE_EXPR", "COLUMN_REF", "COMPARE_EQUAL", "COMPARE_GREATERTHAN", "COMPARE_GREATERTHANOREQUALTO",
        "COMPARE_IN", "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO", "COMPARE_NOTEQUAL", "CONJUNCTION_AND",
        "CONJUNCTION_OR", "FUNCTION", "OPERATOR_CAST", "OPERATOR_COALESCE", "OPERATOR_IS_NOT_NULL",
        "OPERATOR_IS_NULL", "OPERATOR_NOT", "STAR", "SUBQUERY", "TYPE", "VALUE_CONSTANT", "WINDOW_AGGREGATE",
        "WINDOW_LAG", "WINDOW_LEAD", "WINDOW_ROW_NUMBER",
    }
)  # fmt: skip
PARTS: Final = frozenset(
    {
        "ASCENDING", "BASE_TABLE", "DESCENDING", "DISTINCT_MODIFIER", "EMPTY", "JOIN", "LIMIT_MODIFIER",
        "ORDER_MODIFIER", "SELECT_NODE", "SET_OPERATION_NODE", "SUBQUERY",
    }
)  # fmt: skip
PLACES: Final = frozenset({"condition", "group_expressions", "having", "select_list", "where_clause"})
JOINS: Final = frozenset({("REGULAR", "INNER"), ("REGULAR", "LEFT"), ("CROSS", "INNER")})


def faults(sql: str) -> list[str]:
    """What in ``sql`` (parameters bound) is outside the portable subset, each fault once."""
    ((found,),) = _parser().execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    parsed = json.loads(found)
    if parsed["error"]:
        return [f"no SELECT that can be parsed: {parsed.get('error_message', '')}"]
    return list(dict.fromkeys(_faults(parsed["statements"], None, "")))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _faults(node: object, parent: Node | None, place: str) -> Iterator[str]:
    """Faults of a node and what is in it; ``place`` is the part of its own SELECT that it stands in."""
    if isinstance(node, list):
        for one in node:
            yield from _faults(one, parent, place)
    elif isinstance(node, dict):
        if "class" in node:
            yield from _of_expression(node, parent, place)
        elif "type" in node:
            yield from _of_part(node)
        for key, value in node.items():
            inside = node if "class" in node else parent
            yield from _faults(value, inside, key if key in PLACES else place)


def _of_part(node: Node) -> Iterator[str]:
    kind = node["type"]
    if "null_order" in node:
        if "ORDER_DEFAULT" in (kind, node["null_order"]):
            yield "ORDER BY without ASC or DESC, or without NULLS FIRST or LAST"
    elif kind not in PARTS:
        yield f"{kind} is not in the list"
    if {"LIMIT_MODIFIER"} == {one["type"] for one in node.get("modifiers", ())} - {"DISTINCT_MODIFIER"}:
        yield "LIMIT without ORDER BY"
    if kind == "JOIN":
        if (node["ref_type"], node["join_type"]) not in JOINS:
            yield f"{node['ref_type']} {node['join_type']} JOIN is not in the list"
        if node["using_columns"]:
            yield "JOIN … USING: write ON"
    if kind == "SET_OPERATION_NODE" and node["setop_type"] != "UNION":
        yield f"{node['setop_type']} is not in the list"
    if kind == "SELECT_NODE":
        yield from (f"{part.upper()} is not in the list" for part in ("qualify", "sample") if node[part])
        if node["aggregate_handling"] != "STANDARD_HANDLING":
            yield "GROUP BY ALL is not in the list"
        if any(one["class"] == "CONSTANT" for one in node["group_expressions"]):
            yield "GROUP BY a place: name the column"


def _of_expression(node: Node, parent: Node | None, place: str) -> Iterator[str]:
    kind, name = node["type"], node.get("function_name", "")
    if kind not in EXPRESSIONS:
        yield f"{kind} is not in the list"
    if node["class"] in ("FUNCTION", "WINDOW") and name not in FUNCTIONS:
        yield f"{name}() is not in the list"
    if kind == "TYPE" and node["type_name"].upper() not in TYPES:
        yield f"type {node['type_name']} is not in the list"
    if node.get("try_cast"):
        yield "TRY_CAST is not in the list"
    if kind == "VALUE_CONSTANT":
        yield from _of_constant(node["literal"])
    if name in ("/", "%") and not _never_zero(node["arguments"][1]["expression"]):
        yield "a divisor that may be 0: NULLIF it"
    if kind == "WINDOW_AGGREGATE" and node["orders"] and not node["end"].endswith("_ROWS"):
        yield f"{name}() OVER an ORDER BY without ROWS"
    if name == "array_agg" and (parent is None or parent.get("function_name") != "array_sort"):
        yield "array_agg() outside array_sort()"
    if name == "array_agg" and not any(_not_null(one) for one in _conditions(node["filter"])):
        yield "array_agg() without FILTER (WHERE … IS NOT NULL)"
    if name == "min_by" and not _filtered(node):
        yield "min_by() without FILTER (WHERE its value IS NOT NULL)"
    if kind == "SUBQUERY" and place == "condition":
        yield "a subquery in ON"
    if kind == "SUBQUERY" and node["subquery_type"] == "ANY" and place != "where_clause":
        yield "IN (SELECT …) outside WHERE"


def _of_constant(literal: Node) -> Iterator[str]:
    if literal["kind"] == "STRING" and "\\" in literal["text"]:
        yield "a backslash in a literal"
    if literal["kind"] == "NUMERIC" and "e" not in literal["text"].lower():
        yield f"{literal['text']} is a DECIMAL: write an exponent"


def _never_zero(node: Node) -> bool:
    if node["class"] == "CAST":
        return _never_zero(node["child"])
    if node["class"] == "CONSTANT":
        return node["literal"]["kind"] in ("INTEGER", "NUMERIC") and float(node["literal"]["text"]) != 0
    return bool(node.get("function_name") == "nullif")


def _filtered(node: Node) -> bool:
    value = node["arguments"][0]["expression"].get("column_names")
    return value is not None and any(
        _not_null(one) and one["children"][0].get("column_names") == value
        for one in _conditions(node["filter"])
    )


def _not_null(node: Node) -> bool:
    return bool(node["type"] == "OPERATOR_IS_NOT_NULL")


def _conditions(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    if node["type"] == "CONJUNCTION_AND":
        for one in node["children"]:
            yield from _conditions(one)
    else:
        yield node
