"""JSON values to the clinical types, strictly: nothing is coerced, rounded or silently dropped."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from services.clinical.units import Micrograms, parse_dose


class Unreadable(ValueError):
    """The JSON is not what the schema says. The message names the place and what is wanted."""


T = TypeVar("T")
_RELATIVE = re.compile(r"-(\d{1,5})([mhd])")
_UNIT = {"m": "minutes", "h": "hours", "d": "days"}


class Decoder:
    """Reads values against types. `now` anchors times such as "-14d" (also m and h)."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._scalars: dict[Any, Callable[[Any, str], Any]] = {
            bool: lambda value, place: _exactly(bool, value, place),
            int: lambda value, place: _exactly(int, value, place),
            str: lambda value, place: _exactly(str, value, place),
            float: lambda value, place: _number(value, place),
            datetime: self._datetime,
            date: _date,
            Micrograms: _dose,
        }

    def read(self, wanted: type[T], value: Any, place: str) -> T:
        """Return the value as `wanted`.

        Raises:
            Unreadable: it is something else, or a dataclass refuses it.
        """
        return self._read(wanted, value, place)  # type: ignore[no-any-return]

    def _read(self, wanted: Any, value: Any, place: str) -> Any:
        scalar = self._scalars.get(wanted)
        if scalar is not None:
            return scalar(value, place)
        if hasattr(wanted, "__supertype__"):
            return self._read(wanted.__supertype__, value, place)
        origin = get_origin(wanted)
        if origin in (Union, UnionType):
            return self._optional(wanted, value, place)
        if origin in (tuple, frozenset):
            return self._sequence(origin, get_args(wanted), value, place)
        if isinstance(wanted, type) and issubclass(wanted, Enum):
            return _member(wanted, value, place)
        if is_dataclass(wanted) and isinstance(wanted, type):
            return self._record(wanted, value, place)
        raise TypeError(f"no way to read {wanted!r} at {place}")

    def _optional(self, wanted: Any, value: Any, place: str) -> Any:
        if value is None:
            return None
        (inner,) = [item for item in get_args(wanted) if item is not NoneType]
        return self._read(inner, value, place)

    def _sequence(self, origin: Any, args: tuple[Any, ...], value: Any, place: str) -> Any:
        items = _exactly(list, value, place)
        if origin is frozenset or args[1:] == (Ellipsis,):
            return origin(
                self._read(args[0], item, f"{place}[{index}]") for index, item in enumerate(items)
            )
        if len(items) != len(args):
            raise Unreadable(f"{place}: {len(args)} values are wanted")
        return tuple(
            self._read(kind, item, f"{place}[{index}]")
            for index, (kind, item) in enumerate(zip(args, items, strict=True))
        )

    def _record(self, wanted: type, value: Any, place: str) -> Any:
        given = _exactly(dict, value, place)
        hints = get_type_hints(wanted)
        known = {item.name: item for item in fields(wanted) if item.init}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise Unreadable(f"{place}: unknown field {unknown[0]}")
        for name, item in known.items():
            if name not in given and item.default is MISSING:
                raise Unreadable(f"{place}: {name} is missing")
        arguments = {
            name: self._read(hints[name], item, f"{place}.{name}") for name, item in given.items()
        }
        try:
            return wanted(**arguments)
        except ValueError as err:
            raise Unreadable(f"{place}: {err}") from err

    def _datetime(self, value: Any, place: str) -> datetime:
        text = _exactly(str, value, place)
        relative = _RELATIVE.fullmatch(text)
        if relative is not None:
            return self._now - timedelta(**{_UNIT[relative[2]]: int(relative[1])})
        return read_datetime(text, place)


def read_datetime(value: Any, place: str) -> datetime:
    """Return an aware moment from ISO 8601 text.

    Raises:
        Unreadable: it is no moment, or has no offset.
    """
    try:
        moment = datetime.fromisoformat(_exactly(str, value, place))
    except ValueError as err:
        raise Unreadable(f"{place}: {value!r} is no ISO 8601 moment") from err
    if moment.tzinfo is None:
        raise Unreadable(f"{place}: {value!r} has no offset from UTC")
    return moment


def _exactly(wanted: type[T], value: Any, place: str) -> T:
    if type(value) is not wanted:
        raise Unreadable(f"{place}: {wanted.__name__} is wanted, not {value!r}")
    return value


def _number(value: Any, place: str) -> float:
    if type(value) not in (int, float):
        raise Unreadable(f"{place}: a number is wanted, not {value!r}")
    return float(value)


def _date(value: Any, place: str) -> date:
    try:
        return date.fromisoformat(_exactly(str, value, place))
    except ValueError as err:
        raise Unreadable(f"{place}: {value!r} is no ISO 8601 date") from err


def _dose(value: Any, place: str) -> Micrograms:
    """Return whole micrograms from a whole number of them, or from text such as "12.5 mg"."""
    if type(value) is int:
        return Micrograms(value)
    try:
        return parse_dose(_exactly(str, value, place))
    except ValueError as err:
        raise Unreadable(f"{place}: {err}") from err


def _member(wanted: type[Enum], value: Any, place: str) -> Enum:
    try:
        return wanted(value)
    except ValueError as err:
        raise Unreadable(f"{place}: {value!r} is no {wanted.__name__}") from err


Json = Mapping[str, Any]
