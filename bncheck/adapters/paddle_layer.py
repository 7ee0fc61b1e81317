"""paddle.nn.BatchNorm1D, BatchNorm2D and BatchNorm3D on the CPU, their gradients by paddle.grad."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Pullback, State
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.constructors import constructor_of
from bncheck.adapters.found import Found
from bncheck.adapters.probe import probe_case
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.errors import LoadError
from bncheck.evaluation import configured
from bncheck.layout import Footprint, Layout, arranged, buffer_of, footprint_of

_RANKS: tuple[tuple[type, tuple[int, ...]], ...] = (
    (paddle.nn.BatchNorm1D, (2, 3)),
    (paddle.nn.BatchNorm2D, (4,)),
    (paddle.nn.BatchNorm3D, (5,)),
)
_ROLES = {"channels": "num_features", "eps": "epsilon", "momentum": "momentum"}
_HELD = {"gamma": "weight", "beta": "bias", "running_mean": "_mean", "running_var": "_variance"}
_NO_FORWARD_MODE = "paddle's own jvp differentiates backwards twice"


@dataclass(slots=True)
class _Held:
    """The layer and what it was made for."""

    layer: Any
    config: Config


class PaddleAdapter(Adapter):
    """By its parameters, and by the variables in which it keeps its statistics.

    Source: the docstring of paddle 3.3.1, which gives the formulas: moving_variance * momentum + sigma^2 * (1 - momentum),
    of the mini-batch's biased sigma^2; gamma and beta are applied after normalising, so that one value a channel gives
    beta.  Of empty batches it says nothing, nor that eps and momentum are kept in float32.
    """

    name = "paddle"

    def __init__(self, found: Found) -> None:
        if found.device != "cpu":
            raise LoadError(f"{found.name} is judged on cpu alone, not on {found.device!r}")
        paddle.set_device("cpu")
        self.found = found
        forbidden = ("weight_attr", "bias_attr", "use_global_stats", "name")
        self.signature = constructor_of(found, _ROLES, forbidden=forbidden)
        conventions = Dialect(momentum="old", running_variance="biased", single="beta")
        self.dialect = found.dialect(usual(conventions, found.device))
        self.last = str(found.options.get("data_format", "NC"))[1:2] != "C"
        self.capabilities = self._offered()
        # What the library refuses to make is told here, and not taken for a crash of every law.
        self.make(configured(probe_case(self.capabilities), found.device))

    def _offered(self) -> Capabilities:
        found, free, options = self.found, self.signature.has, self.found.options
        kind = found.thing
        ranks = next(
            (ranks for base, ranks in _RANKS if isinstance(kind, type) and issubclass(kind, base)), ()
        )
        momentum = None if free("momentum") else float(str(options["momentum"]))
        return Capabilities(
            ranks=found.ranks_within(ranks),
            dtypes=found.dtypes(found.dtypes_asked_for(("float32", "float64"))),
            plain=True,
            momentum=free("momentum"),
            channels=None if free("channels") else int(str(options["num_features"])),
            eps=None if free("eps") else float(str(options["epsilon"])),
            fixed_momentum=spoken_momentum(momentum, self.dialect),
            actions=("copy", "reload", "move"),
            layouts=True,
            parameters=True,
            memory=True,
            reasons={"forward_mode": _NO_FORWARD_MODE}
            | ({} if free("momentum") else {"momentum": "momentum is given"}),
        )

    def make(self, config: Config) -> _Held:
        """A new layer of the parameters' dtype."""
        values = {
            "channels": config.channels,
            "eps": config.eps,
            "momentum": spoken_momentum(config.momentum, self.dialect),
        }
        words: dict[str, Any] = {
            _ROLES[role]: value for role, value in values.items() if self.signature.has(role)
        }
        if not config.affine:
            words |= {"weight_attr": False, "bias_attr": False}
        layer: Any = self.found.callable(**words, **self.found.options)
        return _Held(layer.to(dtype=config.parameter_dtype.name), config)

    def set_params(self, handle: _Held, gamma: Native, beta: Native) -> None:
        """By set_value."""
        handle.layer.weight.set_value(gamma)
        handle.layer.bias.set_value(beta)

    def held(self, handle: _Held, role: str) -> FrameworkArray | None:
        """The layer's own tensor."""
        return getattr(handle.layer, _HELD[role])

    def get_state(self, handle: _Held) -> State:
        """Fetched."""
        mean, var = (self.fetch(self.held(handle, role)) for role in ("running_mean", "running_var"))
        return State(mean, var)

    def set_state(self, handle: _Held, state: State) -> None:
        """By set_value."""
        if state.mean is not None and state.var is not None:
            handle.layer._mean.set_value(state.mean)  # noqa: SLF001  # where state_dict has them too
            handle.layer._variance.set_value(state.var)  # noqa: SLF001

    def lay_out(self, handle: _Held, role: str, layout: Layout) -> None:
        """The data of a parameter lie elsewhere."""
        held = self.held(handle, role)
        if held is not None:
            held.data = self.place(self.fetch(held), layout)

    def forward(self, handle: _Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call in the mode asked for."""
        with paddle.no_grad():
            return self._called(handle, x, training=training)

    def vjp(self, handle: _Held, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """By paddle.grad, for x and the layer's own parameters."""
        leaf = x.detach()
        leaf.stop_gradient = False
        y = self._called(handle, leaf, training=training)
        own = [each for each in (handle.layer.weight, handle.layer.bias) if each is not None]

        def pullback(dy: FrameworkArray) -> Gradients:
            dx, *rest = paddle.grad(y, [leaf, *own], grad_outputs=dy, retain_graph=True)
            return Gradients(dx, *(rest or (None, None)))

        return y.detach(), pullback

    def copy(self, handle: _Held) -> _Held:
        """A deep copy of the layer."""
        return _Held(deepcopy(handle.layer), handle.config)

    def save(self, handle: _Held) -> object:
        """The layer's state_dict, copied."""
        return {name: tensor.clone() for name, tensor in handle.layer.state_dict().items()}

    def load(self, handle: _Held, saved: object) -> None:
        """By set_state_dict."""
        handle.layer.set_state_dict(saved)

    def move(self, handle: _Held, dtype: np.dtype[np.generic]) -> None:
        """By Layer.to."""
        handle.layer.to(dtype=dtype.name)

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy; in a layout a view into a buffer of NaN."""
        if layout == "contiguous":
            return paddle.to_tensor(np.array(array, order="C"))
        arrangement = arranged(array, layout)
        buffer = paddle.to_tensor(buffer_of(array, arrangement))
        start = arrangement.offset * array.dtype.itemsize
        return paddle.as_strided(buffer, list(array.shape), list(arrangement.strides), start)

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy; TypeError for what is no tensor of paddle."""
        if not isinstance(native, paddle.Tensor | np.ndarray):
            raise TypeError(f"a {type(native).__name__} was returned where a paddle.Tensor was expected")
        return np.array(native if isinstance(native, np.ndarray) else native.numpy())

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """That of a tensor."""
        if isinstance(native, np.ndarray):
            return footprint_of(native)
        width = native.element_size()
        strides = tuple(stride * width for stride in native.strides)
        return Footprint("cpu", native.data_ptr(), tuple(native.shape), strides, width)

    def versions(self) -> dict[str, str]:
        """Those of paddle and NumPy."""
        return {"paddle": paddle.__version__, "numpy": np.__version__}

    def _called(self, handle: _Held, x: FrameworkArray, *, training: bool) -> FrameworkArray:
        """y of x, (N, C, ...)."""
        handle.layer.train() if training else handle.layer.eval()
        if not self.last:
            return handle.layer(x)
        return paddle.moveaxis(handle.layer(paddle.moveaxis(x, 1, -1)), -1, 1)
