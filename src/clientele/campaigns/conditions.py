"""Check a condition or an order that a person wrote, and write it again as SQL of an engine.

DuckDB parses the text. Only what is listed here is written again, so nothing else can reach a
database: no subquery, no second statement, no function that reads a file or a setting.
"""

import json
from datetime import date
from difflib import get_close_matches

import duckdb

COMPARISONS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "is distinct from",
    "COMPARE_NOT_DISTINCT_FROM": "is not distinct from",
}
OPERATORS = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%"}
LIKES = {"~~": "like", "!~~": "not like", "~~*": "ilike", "!~~*": "not ilike"}
# They mean the same on DuckDB and Spark.
FUNCTIONS = {"abs", "ceil", "floor", "greatest", "least", "length", "lower", "trim", "upper"}
ALLOWED = (
    "columns, numbers, texts, dates such as date '2024-12-31', true, false, null; and, or, not; "
    "= <> < <= > >= between, in, like, ilike, is null, is distinct from; + - * / %; case; "
    "coalesce, " + ", ".join(sorted(FUNCTIONS))
)
# Some 270 years; dates end on every engine.
MOST_DAYS = 100_000
# The parts of a SELECT that a condition may not add.
PLAIN = {
    "cte_map": {"map": []},
    "where_clause": None,
    "group_expressions": [],
    "group_sets": [],
    "having": None,
    "sample": None,
    "qualify": None,
}
KINDS = {"string": "text", "boolean": "true or false", "date": "date"}
LITERALS = {"STRING": "text", "BOOLEAN": "true or false", "INTEGER": "number", "NUMERIC": "number"}


class Refused(ValueError):
    """A text that is no condition; the message says what is wrong and how to fix it."""


class Checker:
    """Checks conditions and orders over one table of customers; close it after use."""

    def __init__(
        self,
        columns: dict[str, str],
        refused: dict[str, str] | None = None,
        *,
        engine: str = "duckdb",
    ) -> None:
        """Take the type of each column that there is, and the engine, duckdb or spark.

        ``refused`` has other names, and why no condition may read them.
        """
        self.columns, self.writer = columns, _Writer(columns, engine, refused)
        # DuckDB looks types up, so it needs a text that it reads.
        self.tried = _Writer(columns, "duckdb", refused)
        self.connection = duckdb.connect()
        table = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.connection.execute(f"create table customers ({table})")

    def condition(self, text: str) -> str:
        """Return a condition, true or false for a customer, as SQL of the engine.

        Raises:
            Refused: it says something that is not allowed, or that is neither true nor false.

        >>> types = {"order_count": "int", "rfm_group": "string"}
        >>> Checker(types).condition("Order_Count>2 and not rfm_group in ('a', 'b')")
        "((order_count > 2) and (not (rfm_group in ('a', 'b'))))"
        """
        node = self._parsed(f"select ({text}\n)", text)
        if node["modifiers"]:
            raise Refused("it is more than a condition; the order belongs into `order_by`")
        if len(node["select_list"]) != 1:
            raise Refused("it must be one condition; join several with `and` or `or`")
        # Alone too: its own brackets could close those around it.
        self._parsed(f"select {text}\n", text)
        expression = node["select_list"][0]
        if self._type_of(expression) != "BOOLEAN":
            raise Refused("it must be true or false for each customer, such as `order_count > 1`")
        return self.writer.write(expression)

    def order(self, text: str) -> str:
        """Return an order, such as `clv desc, order_count`, as SQL; nulls come last.

        Raises:
            Refused: it says something that is not allowed.
        """
        node = self._parsed(f"select 1 order by {text}\n", text)
        orders = [order for part in node["modifiers"] for order in part.get("orders", [])]
        if any(part["type"] != "ORDER_MODIFIER" for part in node["modifiers"]) or not orders:
            raise Refused("it must be columns to order by, such as `clv desc, order_count`")
        written = []
        for order in orders:
            if order["expression"]["class"] == "CONSTANT":
                raise Refused("it orders by a constant, the same for everyone; name a column")
            self._type_of(order["expression"])
            direction = "desc" if order["type"] == "DESCENDING" else "asc"
            written.append(f"{self.writer.write(order['expression'])} {direction} nulls last")
        return ", ".join(written)

    def close(self) -> None:
        """Close the database in which types are looked up."""
        self.connection.close()

    def _parsed(self, query, text):
        """Return the one plain SELECT that a query is, else say what is not allowed."""
        if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(text)):
            raise Refused("comments are not allowed; use `description`")
        said = self.connection.execute("select json_serialize_sql(?)", [query]).fetchall()[0][0]
        tree = json.loads(said)
        if tree["error"]:
            if "Only SELECT" in tree["error_message"]:
                raise Refused("it does not read as SQL: several statements are not allowed")
            raise Refused(f"it does not read as SQL: {tree['error_message'].splitlines()[0]}")
        if len(tree["statements"]) != 1:
            raise Refused("several statements are not allowed; write one condition without `;`")
        node = tree["statements"][0]["node"]
        is_plain = node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY"
        if not is_plain or any(node[key] != value for key, value in PLAIN.items()):
            raise Refused("it is more than a condition; write only what stands after `where`")
        return node

    def _type_of(self, expression):
        """Return the type of a parsed expression over the table of customers."""
        sql = self.tried.write(expression)
        try:
            described = self.connection.execute(f"describe select {sql} from customers")
            return described.fetchall()[0][1]
        except duckdb.Error as error:
            message = str(error).splitlines()[0].split(": ", 1)[-1]
            raise Refused(f"types do not fit: {message}") from None


def nearest(name: str, known) -> str:
    """Return `; did you mean a or b?` for the names that are most like ``name``."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""


class _Writer:
    """Writes a parsed expression again, and refuses what it does not know."""

    def __init__(self, columns, engine, refused=None):
        self.columns, self.engine, self.refused = columns, engine, refused or {}

    def write(self, node):
        kind = node["class"]
        method = getattr(self, f"_{kind.lower()}", None)
        if method is None:
            what = {
                "SUBQUERY": "a subquery",
                "WINDOW": "a window function",
                "STAR": "`*`",
                "PARAMETER": "a parameter",
            }.get(kind, kind.lower())
            raise Refused(f"{what} is not allowed; allowed are {ALLOWED}")
        return method(node)

    def _column_ref(self, node):
        names = node["column_names"]
        name = names[-1].lower()
        if len(names) == 1 and name in self.refused:
            raise Refused(self.refused[name])
        if len(names) > 1 or name not in self.columns:
            said = ".".join(names)
            raise Refused(
                f"there is no column '{said}'{nearest(name, self.columns)} "
                "(`clientele audience list --columns` lists all)"
            )
        return name

    def _constant(self, node):
        kind, text = node["literal"]["kind"], node["literal"].get("text")
        if kind == "STRING":
            return self._text(text)
        if kind in LITERALS:
            # DuckDB reads 1_000, Spark does not.
            text = text.replace("_", "")
            return f"({text})" if text.startswith("-") else text
        if kind.startswith("NULL"):
            return "null"
        raise Refused(f"{text or kind.lower()} is not allowed; allowed are {ALLOWED}")

    def _text(self, text):
        if "\\" in text or not text.isprintable():
            raise Refused(f"the text {text!r} has a backslash or a control character")
        return "'" + text.replace("'", "\\'" if self.engine == "spark" else "''") + "'"

    def _comparison(self, node):
        left, right = self._alike(node["left"], node["right"])
        return f"({left} {COMPARISONS[node['type']]} {right})"

    def _conjunction(self, node):
        word = " and " if node["type"] == "CONJUNCTION_AND" else " or "
        return "(" + word.join(map(self.write, node["children"])) + ")"

    def _between(self, node):
        value, lower, upper = self._alike(node["input"], node["lower"], node["upper"])
        return f"({value} between {lower} and {upper})"

    def _operator(self, node):
        kind, children = node["type"], node["children"]
        first, *others = self._alike(*children)
        if kind == "OPERATOR_NOT":
            return f"(not {first})"
        if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            return f"({first} is {'not ' * (kind == 'OPERATOR_IS_NOT_NULL')}null)"
        if kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            return f"({first} {'not ' * (kind == 'COMPARE_NOT_IN')}in ({', '.join(others)}))"
        if kind == "OPERATOR_COALESCE":
            return f"coalesce({', '.join([first, *others])})"
        raise Refused(f"{kind.lower()} is not allowed; allowed are {ALLOWED}")

    def _function(self, node):
        name = node["function_name"].lower()
        arguments = [argument["expression"] for argument in node["arguments"]]
        is_plain = not (node["distinct"] or node["filter"] or node["schema"] or node["catalog"])
        is_plain = is_plain and not node["order_bys"]["orders"]
        if not is_plain or any(argument["name"] for argument in node["arguments"]):
            raise Refused(f"`{name}` is not allowed like this; allowed are {ALLOWED}")
        if node["is_operator"] and name in LIKES and len(arguments) == 2:
            value, pattern = map(self.write, arguments)
            return f"({value} {LIKES[name]} {pattern})"
        if node["is_operator"] and name in OPERATORS and len(arguments) == 2:
            left, right = self._numbers(arguments)
            # Engines differ in what a division by 0 is.
            right = f"nullif({right}, 0)" if name in "/%" else right
            return f"({left} {name} {right})"
        if node["is_operator"] and name == "-" and len(arguments) == 1:
            return f"(-{self.write(arguments[0])})"
        if name == "row":
            raise Refused("it must be one condition; join several with `and` or `or`")
        if not node["is_operator"] and name in FUNCTIONS:
            return f"{name}({', '.join(map(self.write, arguments))})"
        raise Refused(f"the function `{name}` is not allowed; allowed are {ALLOWED}")

    def _numbers(self, nodes):
        """Write operands of arithmetic: as doubles, which do not overflow, or next to a date."""
        kinds = [self._kind(node) for node in nodes]
        if "date" not in kinds:
            return [self._double(node) for node in nodes]
        for node in nodes:
            if node["class"] == "CONSTANT" and abs(float(node["literal"]["text"])) > MOST_DAYS:
                raise Refused(f"{node['literal']['text']} days are too many for a date")
        return [self.write(node) for node in nodes]

    def _double(self, node):
        written = self.write(node)
        is_double = node["class"] == "COLUMN_REF" and self.columns[written].lower() == "double"
        return (
            written if is_double or self._kind(node) != "number" else f"cast({written} as double)"
        )

    def _case(self, node):
        cases = "".join(
            f" when {self.write(check['when_expr'])} then {self.write(check['then_expr'])}"
            for check in node["case_checks"]
        )
        return f"(case{cases} else {self.write(node['else_expr'])} end)"

    def _cast(self, node):
        kind, child = node["type_expr"].get("type_name", "").lower(), node["child"]
        if kind == "date" and not node["try_cast"] and self._kind(child) == "text":
            if child["class"] == "CONSTANT":
                return self._date(child["literal"]["text"])
        # This is how `is true` is parsed.
        if kind == "boolean" and self._kind(child) == "true or false":
            return self.write(child)
        raise Refused(f"a cast to {kind or '?'} is not allowed; allowed are {ALLOWED}")

    def _date(self, text):
        try:
            return f"cast('{date.fromisoformat(text)}' as date)"
        except ValueError:
            raise Refused(f"'{text}' is no date; write it as 2024-12-31") from None

    def _kind(self, node):
        """Return what a column or a constant holds; None for anything else."""
        if node["class"] == "COLUMN_REF":
            self.write(node)
            kind = self.columns[node["column_names"][-1].lower()]
            return KINDS.get(kind.lower(), "number")
        return LITERALS.get(node["literal"]["kind"]) if node["class"] == "CONSTANT" else None

    def _alike(self, first, *others):
        """Write expressions that are compared; engines differ in what they make of unlike ones."""
        nodes = [first, *others]
        kinds = {kind for node in nodes if (kind := self._kind(node))}
        if kinds == {"date", "text"}:
            return [
                self._date(node["literal"]["text"])
                if node["class"] == "CONSTANT" and self._kind(node) == "text"
                else self.write(node)
                for node in nodes
            ]
        if len(kinds) > 1:
            said = next((n["column_names"][-1] for n in nodes if n["class"] == "COLUMN_REF"), "it")
            known = self.columns.get(said.lower())
            remedy = "write texts in single quotes, numbers, true and false without"
            raise Refused(
                f"{' and '.join(sorted(kinds))} do not compare"
                f"{f' ({said} is {known})' if known else ''}; {remedy}"
            )
        return [self.write(node) for node in nodes]
