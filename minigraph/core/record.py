"""Frozen records: classes whose annotations are their fields. As dataclasses, but cheap to define and to import."""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """A record of the fields that a subclass and its bases annotate, with defaults where the class gives them.

    Annotations that start with `ClassVar` are none.
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = [n for n, kind in cls.__annotations__.items() if not str(kind).startswith("ClassVar")]
        cls.fields = cls.fields + tuple(n for n in own if n not in cls.fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(self.fields, args, strict=False)) | kwargs
        unknown = given.keys() - set(self.fields)
        twice = len(given) < len(args) + len(kwargs)  # one that is too many, or given both ways
        if unknown or twice:
            raise TypeError(f"{type(self).__name__} takes the attributes {self.fields}, got {args} {kwargs}")
        for name in self.fields:
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs the attribute {name!r}")
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.fields)})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**({n: getattr(self, n) for n in self.fields} | changes))
