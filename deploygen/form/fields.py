"""The fields of a form, with what was entered and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploygen.form.posted import ON, Posted, first, numbers_of_items
from deploygen.form.shapes import Kind, Shape, shapes
from deploygen.spec.document import joined

# In the names of an item that JavaScript adds.
NEXT = "NEXTITEM"
# Shown at once; the rest on demand.
COMMON = ("name", "agent_id", "version", "port", "description", "inputs", "outputs", "registry")

Problems = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Field:
    """`fields`: of a section; `items`: of a list, and a `blank` one."""

    name: str
    shape: Shape
    value: str = ""
    problems: Sequence[str] = ()
    fields: Sequence["Field"] = ()
    items: Sequence["Item"] = ()
    blank: "Item | None" = None

    @property
    def id(self) -> str:
        return "spec-" + "".join(c if c.isalnum() else "-" for c in self.name)


@dataclass(frozen=True)
class Item:
    name: str
    number: int
    fields: Sequence[Field]
    problems: Sequence[str] = ()


@dataclass(frozen=True)
class Form:
    """`problems`: of no field."""

    common: Sequence[Field] = ()
    more: Sequence[Field] = ()
    problems: Sequence[str] = field(default=())

    @property
    def opens_more(self) -> bool:
        return any(map(_is_used, self.more))


def form(posted: Posted, problems: Problems) -> Form:
    by_key = {each.key: each for each in shapes()}
    common = [by_key.pop(key) for key in COMMON]
    return Form(
        [_field(posted, each, "", problems) for each in common],
        [_field(posted, each, "", problems) for each in by_key.values()],
        problems.get("", ()),
    )


def initial(name: str) -> dict[str, list[str]]:
    """Return what is in the form before anything is entered."""
    flags = [each.key for each in shapes() if each.kind is Kind.FLAG and each.default == "true"]
    sections = [each.key for each in shapes() if each.kind is Kind.SECTION]
    return {"name": [name], **{key: [ON] for key in (*flags, *sections)}}


def with_another(posted: Posted, name: str) -> dict[str, Sequence[str]]:
    """Return the form with one more item in the list `name`."""
    shape = next((each for each in shapes() if each.key == name and each.parts), None)
    if shape is None:
        return dict(posted)
    number = max(numbers_of_items(posted, name), default=-1) + 1
    return {**posted, f"{joined(name, number)}.{shape.parts[0].key}": [""]}


def without(posted: Posted, name: str) -> dict[str, Sequence[str]]:
    """Return the form without the item `name`."""
    return {key: values for key, values in posted.items() if not key.startswith(f"{name}.")}


def _field(posted: Posted, shape: Shape, inside: str, problems: Problems) -> Field:
    name = joined(inside, shape.key)
    found = problems.get(name, ())
    if shape.kind is Kind.ITEMS:
        numbers = enumerate(numbers_of_items(posted, name), start=1)
        items = [_item(posted, shape, joined(name, each), i, problems) for i, each in numbers]
        blank = _item({}, shape, f"{name}[{NEXT}]", len(items) + 1, {})
        return Field(name, shape, problems=found, items=items, blank=blank)
    parts = shape.parts if shape.kind is Kind.SECTION else ()
    fields = [_field(posted, each, name, problems) for each in parts]
    return Field(name, shape, first(posted, name), found, fields)


def _item(posted: Posted, shape: Shape, name: str, number: int, problems: Problems) -> Item:
    fields = [_field(posted, each, name, problems) for each in shape.parts]
    return Item(name, number, fields, problems.get(name, ()))


def _is_used(of: Field) -> bool:
    """Whether there is something to see in it."""
    default = of.shape.default == "true" if of.shape.kind is Kind.FLAG else False
    return bool(of.problems or of.items) or bool(of.value) != default
