"""Amounts as Kubernetes writes them (250m, 2Gi): their value, for comparing."""

import re
from decimal import Decimal
from typing import Final

_FORM: Final = re.compile(r"^([0-9]+\.?[0-9]*|\.[0-9]+)(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]+))?$")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def quantity_value(quantity: str | int) -> Decimal:
    """The value of an amount. Raises ValueError where it is not one."""
    form = _FORM.match(str(quantity))
    if form is None:
        raise ValueError(f"{quantity!r} is not a Kubernetes quantity")
    number, binary, decimal, exponent = form.groups()
    value = Decimal(number)
    if binary:
        return value * Decimal(1024) ** (_BINARY.index(binary) + 1)
    if decimal:
        return value.scaleb(_DECIMAL[decimal])
    return value.scaleb(int(exponent)) if exponent else value
