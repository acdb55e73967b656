"""Read a pickle without unpickling it: its opcodes are walked here, and nothing that it names is imported or called.

Python's own ``pickle`` builds whatever a file asks for, so a file can run code. This reader knows plain values, NumPy
arrays and a list of classes given by the caller; those become inert :class:`Record` objects. Every other name and every
other opcode is refused with its offset.
"""

import pickletools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_OPCODES = 500_000
MOST_VALUES = 1 << 26
"""Numbers in one array."""
_ARRAY_MAKERS = frozenset(
    f"{package}.{name}"
    for package in ("numpy.core", "numpy._core")
    for name in ("multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer")
)
_NUMPY_NAMES = _ARRAY_MAKERS | {"numpy.dtype", "numpy.ndarray"}
_CODE = re.compile(r"[|<>=]?[biufV][1-9][0-9]{0,3}")
_MARK = object()


@dataclass(eq=False)
class Record:
    """An object of the file, kept as what the file says of it.

    Parameters
    ----------
    name : str
        ``module.Class``, as written in the file.
    arguments : tuple
        What it would have been made with.
    state : dict
        Its attributes.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Name:
    text: str


@dataclass(eq=False)
class _Type:
    """A NumPy dtype under construction; BUILD tells the byte order and the fields."""

    code: str
    order: str = "<"
    fields: tuple[tuple[str, "_Type", int], ...] = ()
    itemsize: int = -1

    def dtype(self) -> "np.dtype[Any]":
        if not self.fields:
            kind = np.dtype(self.code)
            if kind.kind == "V":
                raise ValueError(f"an array of {self.code!r} is not plain numbers")
            return kind.newbyteorder(">") if self.order == ">" else kind
        if any(part.fields for _, part, _ in self.fields):
            raise ValueError("an array of records inside records is not plain numbers")
        names, parts, offsets = zip(*self.fields, strict=True)
        layout = {
            "names": list(names), "formats": [part.dtype() for part in parts], "offsets": list(offsets),
            "itemsize": self.itemsize,
        }  # fmt: skip
        return np.dtype(layout)  # type: ignore[call-overload,no-any-return]


@dataclass(eq=False)
class _Array:
    """A NumPy array under construction; BUILD brings its numbers."""

    values: NDArray[Any] | None = None


def read_inert_pickle(data: bytes, classes: Collection[str]) -> Any:
    """Give the object in a pickle as plain values, arrays and records.

    Parameters
    ----------
    data : bytes
        A pickle of protocol 3 to 5.
    classes : collection of str
        Names, ``module.Class``, that may stand in the file; each such object becomes a :class:`Record`.

    Returns
    -------
    object
        Of None, bool, int, float, str, bytes, tuple, list, dict, NumPy arrays and scalars, and :class:`Record`.

    Raises
    ------
    ValueError
        If the pickle is damaged, too large, or holds anything else; the message gives the offset of the first such
        thing.
    """
    machine = _Machine(classes)
    offset = 0
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
            offset = position or 0
            if count >= MOST_OPCODES:
                raise ValueError(f"more than {MOST_OPCODES:,} opcodes")
            step = _STEPS.get(opcode.name)
            if step is None:
                raise ValueError(f"opcode {opcode.name} has no place in such a file")
            step(machine, argument)
    # pickletools raises what its readers happen to raise on damaged bytes; the machine does so on a crooked stack.
    except (ValueError, LookupError, TypeError, OverflowError, AttributeError, RecursionError) as fault:
        raise ValueError(f"offset {offset}: {fault or type(fault).__name__}") from fault
    if offset != len(data) - 1:
        raise ValueError(f"offset {offset + 1}: {len(data) - offset - 1} bytes follow the end of the pickle")
    return machine.result


class _Machine:
    """The stack and the memo of a pickle, holding inert things only."""

    def __init__(self, classes: Collection[str]) -> None:
        self.classes = frozenset(classes)
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise ValueError("a value is missing on the stack")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Take everything above the last mark off the stack, and the mark."""
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise ValueError("a mark is missing on the stack")
        taken = self.stack[at + 1 :]
        del self.stack[at:]
        return taken

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise ValueError(f"a {kind.__name__} is expected on the stack")
        return self.stack[-1]

    def name(self, text: str) -> None:
        if text not in self.classes and text not in _NUMPY_NAMES:
            raise ValueError(f"the name {text!r} has no place in such a file")
        self.push(_Name(text))

    def make(self) -> None:
        """REDUCE and NEWOBJ: a name and its arguments."""
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise ValueError("a name with its arguments is expected on the stack")
        if name.text in self.classes:
            self.push(Record(name.text, tuple(finished(argument) for argument in arguments)))
        elif name.text == "numpy.dtype":
            if not arguments or not isinstance(arguments[0], str) or not _CODE.fullmatch(arguments[0]):
                raise ValueError(f"a dtype of {arguments[:1]} is not plain numbers")
            self.push(_Type(arguments[0]))
        elif name.text.endswith("_reconstruct"):
            self.push(_Array())
        elif name.text.endswith("scalar"):
            kind, raw = arguments
            self.push(_numbers(kind, raw, (), fortran=False)[()])
        elif name.text.endswith("_frombuffer"):
            raw, kind, shape, order = arguments
            self.push(_Array(_numbers(kind, raw, shape, fortran=order == "F")))
        else:
            raise ValueError(f"{name.text} cannot be made so")

    def build(self) -> None:
        """BUILD: the state of the object below."""
        state = self.pop()
        target = self.stack[-1] if self.stack else None
        if isinstance(target, Record) and isinstance(state, dict) and not target.state:
            target.state = {str(key): finished(value) for key, value in state.items()}
        elif isinstance(target, _Type) and isinstance(state, tuple) and len(state) in (8, 9):
            _, order, sub, names, fields, itemsize, *_ = state
            if sub is not None or order not in ("<", ">", "|", "="):
                raise ValueError("a dtype of this form is not plain numbers")
            target.order = "<" if order == "|" else order
            if names is not None:
                target.fields = tuple((name, fields[name][0], int(fields[name][1])) for name in names)
                target.itemsize = int(itemsize)
        elif isinstance(target, _Array) and isinstance(state, tuple) and len(state) == 5 and target.values is None:
            _, shape, kind, fortran, raw = state
            target.values = _numbers(kind, raw, shape, fortran=bool(fortran))
        else:
            raise ValueError("a state that fits nothing")

    def put_items(self, items: list[Any]) -> None:
        target = self.top(dict)
        if len(items) % 2:
            raise ValueError("a key without its value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int):
                raise ValueError(f"a dict key must be text or a whole number, got a {type(key).__name__}")
            target[key] = finished(value)

    def stop(self) -> None:
        self.result = finished(self.pop())
        if self.stack:
            raise ValueError("values are left on the stack")


def finished(value: Any) -> Any:
    """Return a finished value: an array instead of its construction; names and unfinished arrays are no values."""
    if isinstance(value, _Array):
        if value.values is None:
            raise ValueError("an array without its numbers")
        return value.values
    if isinstance(value, _Name | _Type):
        # Such a thing may lie inside tuples of dtypes, but is nothing to hand out.
        raise ValueError("a name or a dtype where a value is expected")
    return value


def _numbers(kind: Any, raw: Any, shape: Any, *, fortran: bool) -> NDArray[Any]:
    if not isinstance(kind, _Type) or not isinstance(raw, bytes | bytearray):
        raise ValueError("an array needs its dtype and its bytes")
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and 0 <= size <= MOST_VALUES for size in shape):
        raise ValueError(f"an array of shape {shape!r} is impossible")
    if len(shape) > 4:
        raise ValueError(f"an array of {len(shape)} dimensions has no place in such a file")
    dtype = kind.dtype()
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize != len(raw):
        raise ValueError(f"an array of shape {shape} needs {count * dtype.itemsize} bytes, it has {len(raw)}")
    return np.frombuffer(bytes(raw), dtype=dtype).reshape(shape, order="F" if fortran else "C")


def _memoise(machine: _Machine, key: int | None) -> None:
    if not machine.stack:
        raise ValueError("nothing to remember")
    machine.memo[len(machine.memo) if key is None else key] = machine.stack[-1]


def _pop_tuple(size: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        parts = [machine.pop() for _ in range(size)][::-1]
        machine.push(tuple(parts))

    return step


def _append(machine: _Machine, items: list[Any]) -> None:
    machine.top(list).extend(finished(item) for item in items)


def _two(machine: _Machine) -> list[Any]:
    value, key = machine.pop(), machine.pop()
    return [key, value]


def _stack_name(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise ValueError("a name that is no text")
    machine.name(f"{module}.{name}")


def _protocol(machine: _Machine, number: int) -> None:
    if not 3 <= number <= 5:
        raise ValueError(f"protocol {number} is not one of 3, 4 and 5")


_PUSHED = (
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8",
)  # fmt: skip
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **{name: lambda machine, argument: machine.push(argument) for name in _PUSHED},
    "PROTO": _protocol,
    "FRAME": lambda machine, argument: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": lambda machine, _: machine.push(_MARK),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "TUPLE1": _pop_tuple(1),
    "TUPLE2": _pop_tuple(2),
    "TUPLE3": _pop_tuple(3),
    "MEMOIZE": lambda machine, _: _memoise(machine, None),
    "BINPUT": _memoise,
    "LONG_BINPUT": _memoise,
    "BINGET": lambda machine, key: machine.push(machine.memo[key]),
    "LONG_BINGET": lambda machine, key: machine.push(machine.memo[key]),
    "SETITEM": lambda machine, _: machine.put_items(_two(machine)),
    "SETITEMS": lambda machine, _: machine.put_items(machine.pop_to_mark()),
    "APPEND": lambda machine, _: _append(machine, [machine.pop()]),
    "APPENDS": lambda machine, _: _append(machine, machine.pop_to_mark()),
    "GLOBAL": lambda machine, argument: machine.name(str(argument).replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda machine, _: _stack_name(machine),
    "NEWOBJ": lambda machine, _: machine.make(),
    "REDUCE": lambda machine, _: machine.make(),
    "BUILD": lambda machine, _: machine.build(),
    "STOP": lambda machine, _: machine.stop(),
}
