"""Pickles are read by walking their opcodes; nothing that they name is imported or called."""

import builtins
import collections
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain.files import inert_pickle
from udrl_explain.files.inert_pickle import Record, read_inert_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inside: st.lists(inside) | st.lists(inside).map(tuple) | st.dictionaries(st.text(), inside),
    max_leaves=12,
)


@given(value=PLAIN, protocol=st.sampled_from([3, 4, 5]))
def test_plain_values_come_back_as_they_were(value, protocol):
    assert read_inert_pickle(pickle.dumps(value, protocol=protocol), ()) == value


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
        np.arange(5, dtype=">f8"),
        np.array([], dtype=np.uint8),
        np.array([True, False]),
        np.array([(1, 2.5), (3, -0.0)], dtype=[("a", "<i8"), ("b", "<f8")]),
        np.zeros(2, dtype={"names": ["a", "b"], "formats": ["<i8", "u1"], "offsets": [0, 8], "itemsize": 16}),
        np.float32(1.5),
    ],
    ids=str,
)
def test_arrays_come_back_to_the_last_bit(array, protocol):
    got = read_inert_pickle(pickle.dumps(array, protocol=protocol), ())
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got, array)


def test_a_known_class_becomes_a_record_and_is_never_made():
    counter = collections.Counter(a=1)
    with pytest.raises(ValueError, match=r"offset \d+: the name 'collections.Counter' has no place"):
        read_inert_pickle(pickle.dumps(counter), ())
    record = read_inert_pickle(pickle.dumps(counter), {"collections.Counter"})
    assert isinstance(record, Record)
    assert (record.name, record.arguments) == ("collections.Counter", ({"a": 1},))


class Caller:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "thing",
    [
        Caller(os.system, "touch owned"),
        Caller(eval, "open('owned', 'w')"),
        Caller(builtins.getattr, "text", "upper"),
        [1, {"deep": (2, [Caller(os.system, "touch owned")])}],
        Caller(np.load, "owned"),
        np.array([Caller(os.system, "touch owned")], dtype=object),
        {1, 2},
        complex(1, 2),
        Caller(np.dtype, "O8"),
        Caller(np.dtype, "(100000000,)f8"),
    ],
    ids=["os.system", "eval", "getattr", "nested", "numpy.load", "objects in an array", "set", "complex", "O", "bomb"],
)
def test_anything_else_is_refused_and_nothing_runs(thing, tmp_path, monkeypatch):
    data = pickle.dumps(thing)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^offset \d+: "):
        read_inert_pickle(data, {"sklearn.tree._tree.Tree"})
    assert os.listdir() == []


def test_calls_by_every_old_opcode_are_refused():
    for data in (
        b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00touch\x85R.",  # protocol 2
        b"\x80\x04(X\x05\x00\x00\x00touchios\nsystem\n.",  # INST
        b"\x80\x04(cos\nsystem\nX\x05\x00\x00\x00toucho.",  # OBJ
        b"\x80\x04\x82\x01.",  # EXT1
        b"\x80\x04X\x01\x00\x00\x00aQ.",  # BINPERSID
    ):
        with pytest.raises(ValueError, match=r"^offset \d+: "):
            read_inert_pickle(data, ())


def test_a_name_of_numpy_is_no_value_and_makes_nothing_but_arrays():
    with pytest.raises(ValueError, match="a name or a dtype where a value is expected"):
        read_inert_pickle(b"\x80\x04cnumpy\nndarray\n.", ())
    with pytest.raises(ValueError, match="cannot be made so"):
        read_inert_pickle(b"\x80\x04cnumpy\nndarray\nK\x05\x85R.", ())


def array_pickle(shape, raw):
    """A pickled float64 array of any claimed shape around any bytes."""
    good = pickle.dumps(np.zeros(1), protocol=3)
    return good.replace(b"K\x01\x85q\x06", pickle.dumps(shape, protocol=3)[2:-1].replace(b"q\x00", b"q\x06")).replace(
        b"C\x08" + b"\0" * 8, b"B" + struct.pack("<I", len(raw)) + raw
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [((2,), "needs 16 bytes, it has 8"), ((1 << 60,), "impossible"), ((-1,), "impossible"), ((1,) * 6, "dimensions")],
)
def test_an_array_must_have_the_bytes_of_its_shape(shape, message):
    assert read_inert_pickle(array_pickle((1,), b"\0" * 8), ()) == 0.0
    with pytest.raises(ValueError, match=message):
        read_inert_pickle(array_pickle(shape, b"\0" * 8), ())


def test_bombs_are_refused_before_they_grow():
    with pytest.raises(ValueError, match="more than 500,000 opcodes"):
        read_inert_pickle(b"\x80\x04" + b"N" * 600_000 + b".", ())
    with pytest.raises(ValueError, match=r"^offset \d+"):  # claims 2**62 bytes
        read_inert_pickle(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.", ())
    # A far index of the memo is a key, not a length.
    assert read_inert_pickle(b"\x80\x04Nr" + struct.pack("<I", 2**32 - 1) + b".", ()) is None


def test_shared_lists_are_shared_and_do_not_multiply():
    data = b"\x80\x04" + b"]\x94" + b"".join(b"h%ch%c\x86\x94" % (i, i) for i in range(60)) + b"."
    with pytest.raises(ValueError, match="left on the stack"):
        read_inert_pickle(data, ())


@given(data=st.binary(max_size=60))
def test_any_bytes_give_a_value_or_one_clear_fault(data):
    try:
        read_inert_pickle(b"\x80\x04" + data, ())
    except ValueError as fault:
        assert str(fault).startswith("offset ")  # noqa: PT017 - any other exception fails the test


def test_every_cut_and_every_flipped_byte_of_a_forest_is_a_fault_or_a_value():
    whole = pickle.dumps({"a": np.arange(4.0), "b": [1, "x", None]})
    for cut in range(len(whole)):
        with pytest.raises(ValueError, match=r"^offset "):
            read_inert_pickle(whole[:cut], ())
    for place in range(2, len(whole)):
        for bit in (1, 16, 128):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            try:
                read_inert_pickle(bytes(damaged), ())
            except ValueError as fault:
                assert str(fault).startswith("offset ")  # noqa: PT017


def test_bytes_behind_the_end_are_refused():
    with pytest.raises(ValueError, match="3 bytes follow"):
        read_inert_pickle(pickle.dumps(1) + b"abc", ())


def test_the_module_names_no_unpickler():
    source = inert_pickle.__file__
    with open(source, encoding="utf-8") as file:
        text = file.read()
    assert "import pickle\n" not in text
    assert "importlib" not in text
    assert "eval(" not in text
