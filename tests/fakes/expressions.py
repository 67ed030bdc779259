"""The part of DynamoDB's expression language that `haulier.jobs` writes, evaluated as DynamoDB does."""

import re
from typing import Any

_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),]|[#:]?[A-Za-z_][\w]*)")
Item = dict[str, dict[str, Any]]


def tokens_of(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"cannot read {text!r} at {at}")
        found.append(match[1])
        at = match.end()
    return found


def comparable(typed: dict[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    return float(value) if kind == "N" else value


class Condition:
    """One condition expression over an item."""

    def __init__(self, text: str, names: dict[str, str], values: dict[str, Any], item: Item) -> None:
        self._tokens = tokens_of(text)
        self._names, self._values, self._item = names, values, item
        self._at = 0

    def holds(self) -> bool:
        result = self._any()
        if self._at != len(self._tokens):
            raise ValueError(f"left over: {self._tokens[self._at :]}")
        return result

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self, wanted: str | None = None) -> str:
        token = self._tokens[self._at]
        if wanted is not None and token.upper() != wanted:
            raise ValueError(f"{token!r} where {wanted!r} should be")
        self._at += 1
        return token

    def _any(self) -> bool:
        result = self._all()
        while self._peek().upper() == "OR":
            self._next()
            right = self._all()
            result = result or right
        return result

    def _all(self) -> bool:
        result = self._one()
        while self._peek().upper() == "AND":
            self._next()
            right = self._one()
            result = result and right
        return result

    def _one(self) -> bool:
        token = self._peek()
        if token == "(":
            self._next()
            result = self._any()
            self._next(")")
            return result
        if token in ("attribute_not_exists", "attribute_exists"):
            self._next()
            self._next("(")
            there = self._name(self._next()) in self._item
            self._next(")")
            return there if token == "attribute_exists" else not there
        if token == "begins_with":
            self._next()
            self._next("(")
            left = self._operand()
            self._next(",")
            right = self._operand()
            self._next(")")
            return left is not None and comparable(left).startswith(comparable(right))
        return self._comparison()

    def _comparison(self) -> bool:
        left = self._operand()
        operator = self._next().upper()
        if operator == "IN":
            self._next("(")
            options = [self._operand()]
            while self._peek() == ",":
                self._next()
                options.append(self._operand())
            self._next(")")
            return left is not None and any(option is not None and left == option for option in options)
        right = self._operand()
        if left is None or right is None or left.keys() != right.keys():
            return operator == "<>"
        a, b = comparable(left), comparable(right)
        return {"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]

    def _operand(self) -> dict[str, Any] | None:
        token = self._next()
        return self._values[token] if token.startswith(":") else self._item.get(self._name(token))

    def _name(self, token: str) -> str:
        return self._names[token] if token.startswith("#") else token


def apply_update(text: str, names: dict[str, str], values: dict[str, Any], item: Item) -> Item:
    """The item after an update expression of SET, REMOVE and ADD clauses."""
    after = dict(item)
    for clause in re.findall(r"(SET|REMOVE|ADD) (.*?)(?=(?: (?:SET|REMOVE|ADD) )|$)", text):
        verb, actions = clause
        for action in (part.strip() for part in actions.split(",")):
            if verb == "SET":
                name, value = (part.strip() for part in action.split("="))
                after[names[name]] = values[value]
            elif verb == "REMOVE":
                after.pop(names[action], None)
            else:
                name, value = action.split()
                before = float(after.get(names[name], {"N": "0"})["N"])
                total = before + float(values[value]["N"])
                after[names[name]] = {"N": str(int(total) if total == int(total) else total)}
    return after
