"""Constructor arguments that are parts: set by name, described for a file."""

from __future__ import annotations

__all__ = ["PartParams", "describe"]

from collections.abc import Callable
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator

from latente.bottlenecks import Bottleneck
from latente.corruptions import Corruption, resolve_corruption
from latente.data import DataSpec
from latente.distortions import Distortion, resolve_distortion
from latente.networks import Network, resolve_network
from latente.objectives import Objective
from latente.parts import Part, did_you_mean, resolve
from latente.pretraining import Pretraining
from latente.training import Trainer

# What an argument holds, and how to read what the user passed; None means that there is no part to speak of.
READERS: dict[str, tuple[type[Part], Callable[[Any], Part | None]]] = {
    "network": (Network, resolve_network),
    "bottleneck": (Bottleneck, lambda value: resolve(value, Bottleneck)),  # type: ignore[type-abstract]
    "corruption": (Corruption, resolve_corruption),
    "distortion": (Distortion, resolve_distortion),
    "objective": (Objective, lambda value: resolve(value, Objective)),  # type: ignore[type-abstract]
    "data": (DataSpec, lambda value: resolve(value, DataSpec, DataSpec())),
    "pretraining": (Pretraining, lambda value: resolve(value, Pretraining, Pretraining())),
    "trainer": (Trainer, lambda value: resolve(value, Trainer, Trainer())),
}


class PartParams:
    """`set_params` for estimators whose arguments may be parts, short strings or None.

    Attributes:
        part_readers: by argument, the family of the part and how to read what the user passed.
    """

    part_readers: ClassVar[dict[str, tuple[type[Part], Callable[[Any], Part | None]]]] = READERS

    def set_params(self, **params: Any) -> Self:
        """Sets arguments by name and returns self; `trainer__epochs` reaches into a part.

        Where the argument is None or a short string, the part that it stands for is made first.

        Raises:
            ValueError: for a name that is no argument.
        """
        known = self.get_params(deep=False)  # type: ignore[attr-defined]
        for key in params:
            name = key.partition("__")[0]
            if name not in known:
                hint = did_you_mean(name, known)
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has: {', '.join(known)}.{hint}")
        for key, value in sorted(params.items(), key=lambda item: "__" in item[0]):  # a new part before what is in it
            name, _, rest = key.partition("__")
            if rest:
                self._inner(name, rest).set_params(**{rest: value})
            else:
                setattr(self, name, value)
        return self

    def _inner(self, name: str, rest: str) -> Any:
        """Returns the part in the argument `name`, made if need be, or raises ValueError when it has no `rest`."""
        value, field = getattr(self, name), rest.partition("__")[0]
        if name not in self.part_readers:
            if hasattr(value, "set_params"):
                return value
            raise ValueError(f"{type(self).__name__}: {name}={value!r} has no parameters; {rest!r} cannot be set")
        family, read = self.part_readers[name]
        part = read(value)
        if part is None or field not in part.field_names():
            raise ValueError(f"{type(self).__name__}: {name}={value!r} has no {field!r}.{_hint(family, name, field)}")
        setattr(self, name, part)
        return part


def _hint(family: type[Part], name: str, field: str) -> str:
    """Returns a hint: the members of the family with such a field, or with a similar one."""
    members = {short: part.field_names() for short, part in sorted(family.registry.items())}
    having = [short for short, fields in members.items() if field in fields]
    if having:
        return f" It belongs to {', '.join(having)}; set {name} first, e.g. {name}={having[0]!r}"
    return did_you_mean(field, {other for fields in members.values() for other in fields})


def describe(model: BaseEstimator) -> dict[str, Any]:
    """Returns the constructor's arguments, JSON-ready; modules and bare functions are recorded by name only."""
    params: dict[str, Any] = {}
    for name, value in model.get_params(deep=False).items():
        part = READERS[name][1](value) if name in READERS and not isinstance(value, (str, type(None))) else None
        if part is not None:
            params[name] = part.to_dict()
        elif isinstance(value, (list, tuple)):
            params[name] = [_plain(item) for item in value]
        else:
            params[name] = _plain(value)
    return params


def _plain(value: Any) -> bool | int | float | str | None:
    """Returns a number (numpy's as Python's), a word or None; None for anything else, such as a random generator."""
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    return value if isinstance(value, (bool, int, float, str)) else None
