"""The words of a framework: how its arrays are written down, copied and looked at in a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bncheck.case import Native
from bncheck.layout import Layout, arranged, buffer_of
from bncheck.reproducer.literals import listed, shape_of


@dataclass(frozen=True, slots=True)
class Words:
    """`dtypes`: where they are found.  `array`: of numbers {0} and a dtype {1}.  `copied` and `bits`: of an expression
    {0}, a contiguous copy and its bits as bytes.  `strided`: what is seen in a buffer {0} with a shape {1}, strides {2},
    an offset {3} and a dtype {4}.  `wide`: what comes before the first array of float64.  `dtype_name`: of an expression
    {0}, the name of its dtype, as `float32`.  `item`: of an expression {0} of one element, that as a Python number.
    """

    framework: str
    imports: tuple[str, ...]
    dtypes: str
    array: str
    copied: str
    bits: str
    strided: str = ""
    wide: tuple[str, ...] = ()
    dtype_name: str = 'str({0}.dtype).split(".")[-1]'
    item: str = "float({0})"

    def dtype(self, name: str) -> str:
        """The framework's own name of a dtype; bfloat16 is none of NumPy's."""
        if self.framework == "numpy" and name == "bfloat16":
            return "ml_dtypes.bfloat16"
        return f"{self.dtypes}.{name}"

    def literal(self, array: Native, layout: Layout | None) -> str:
        """An expression for an array in a layout."""
        if layout in (None, "contiguous"):
            return self._plain(array)
        assert layout is not None
        place = arranged(array, layout)
        buffer = buffer_of(array, place)
        width = array.dtype.itemsize if self.framework == "numpy" else 1
        strides = tuple(each * width for each in place.strides)
        return self.strided.format(
            self._plain(buffer),
            shape_of(array),
            strides,
            place.offset * width,
            self.dtype(array.dtype.name),
        )

    def _plain(self, array: Native) -> str:
        told, flat = listed(array)
        made = self.array.format(told, self.dtype(array.dtype.name))
        if (flat and array.ndim > 1) or array.size == 0:
            made += f".reshape({shape_of(array)})"
        return made


def words_of(framework: str, device: str) -> Words:
    """Those of numpy, torch or jax on a device."""
    place = "" if device == "cpu" or framework != "torch" else f', device="{device}"'
    return _WORDS[framework](place)


def _numpy(_: str) -> Words:
    return Words(
        "numpy",
        ("import numpy as np",),
        "np",
        "np.array({0}, {1})",
        "{0}.copy()",
        "np.array({0}, np.float64).tobytes()",
        strided="np.ndarray({1}, {4}, {0}, strides={2}, offset={3})",
    )


def _torch(place: str) -> Words:
    return Words(
        "torch",
        ("import torch",),
        "torch",
        f"torch.tensor({{0}}, dtype={{1}}{place})",
        "{0}.clone(memory_format=torch.contiguous_format)",
        "{0}.detach().double().cpu().numpy().tobytes()",
        strided="{0}.as_strided({1}, {2}, {3})",
    )


def _jax(_: str) -> Words:
    return Words(
        "jax",
        ("import jax", "import jax.numpy as jnp", "import numpy as np"),
        "jnp",
        "jnp.array({0}, {1})",
        "jnp.array({0})",
        "np.array({0}, np.float64).tobytes()",
        wide=('jax.config.update("jax_enable_x64", True)',),
    )


_WORDS: Mapping[str, Callable[[str], Words]] = {"numpy": _numpy, "torch": _torch, "jax": _jax}
