"""Arrays as text inside a page: the bytes deflated, then base64."""

import zlib
from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("f8", "f4", "i4", "u4", "u2", "i2", "u1")


def block(array: NDArray[Any], dtype: str = "") -> dict[str, Any]:
    """Give an array as the page's script reads it.

    Parameters
    ----------
    array : array
    dtype : {"f8", "f4", "i4", "u4", "u2", "i2", "u1"}, optional
        What to store it as, little-endian; the array's own type by default.

    Returns
    -------
    dict
        ``dtype``, ``shape`` and ``data``: base64 of the raw deflate of the bytes in C order; where ``shuffled`` is
        true, of all first bytes of the numbers, then all second ones, ...

    Raises
    ------
    ValueError
        If a number would not come back as it is, or the type is another one.
    """
    kind = dtype or array.dtype.str[1:]
    if kind not in DTYPES:
        raise ValueError(f"a block holds one of {DTYPES}, got {kind}")
    stored = np.asarray(array).astype(np.dtype(kind).newbyteorder("<"), order="C")
    if not np.array_equal(stored.astype(array.dtype), array, equal_nan=array.dtype.kind == "f"):
        raise ValueError(f"numbers of {array.dtype} do not fit {kind}")
    plain = stored.tobytes()
    planes = np.frombuffer(plain, dtype=np.uint8).reshape(-1, stored.itemsize).T.tobytes()
    # Signs and exponents repeat themselves where digits do not; side by side they pack better.
    packed = [_deflated(plain), _deflated(planes)]
    shuffled = len(packed[1]) < len(packed[0])
    data = b64encode(packed[shuffled]).decode("ascii")
    return {"dtype": kind, "shape": list(array.shape), "shuffled": shuffled, "data": data}


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return packer.compress(data) + packer.flush()


def whole_block(array: NDArray[Any]) -> dict[str, Any]:
    """Whole numbers from 0 on, in the fewest bytes."""
    return block(array, np.min_scalar_type(int(array.max(initial=0))).str[1:])


def short_block(array: NDArray[np.float64]) -> dict[str, Any]:
    """Numbers as float32 where every one of them is one, else as float64."""
    with np.errstate(over="ignore", under="ignore"):
        fits = np.array_equal(array.astype(np.float32).astype(np.float64), array, equal_nan=True)
    return block(array, "f4" if fits else "f8")
