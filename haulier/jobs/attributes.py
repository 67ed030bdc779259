"""Python values as DynamoDB's typed attribute values, and back.

boto3 has a serialiser; the worker has no boto3 and this package imports no AWS library. Only what our items hold is
known: text, whole numbers, floats (as numbers), booleans, None, lists and maps.
"""

from collections.abc import Mapping
from typing import Any


def encode(value: Any) -> dict[str, Any]:
    """One value, typed. Raises TypeError for a type our items never hold."""
    match value:
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case str():
            return {"S": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [encode(entry) for entry in value]}
        case Mapping():
            return {"M": {key: encode(entry) for key, entry in value.items()}}
        case _:
            raise TypeError(f"an item cannot hold a {type(value).__name__}")


def decode(typed: Mapping[str, Any]) -> Any:
    """The value of one typed attribute."""
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "NULL":
            return None
        case "L":
            return [decode(entry) for entry in value]
        case "M":
            return {key: decode(entry) for key, entry in value.items()}
        case _:
            raise TypeError(f"an attribute of type {kind} is none of ours")


def encode_item(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A whole item; entries that are None are left out."""
    return {name: encode(value) for name, value in values.items() if value is not None}


def decode_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: decode(typed) for name, typed in item.items()}
