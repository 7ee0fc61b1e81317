"""Adapters that stand beside their layer: without words for a script, with them, and with something else."""

# As users write: no types.
# mypy: ignore-errors

from pathlib import Path

import odd_layers

from bncheck.adapter import Adapter
from bncheck.capabilities import Capabilities
from bncheck.reproducer.frameworks import words_of
from bncheck.reproducer.naming import Naming


class Words:
    """Lines for odd_layers.Forgetful."""

    words = words_of("numpy", "cpu")
    naming = Naming(
        ("import sys", f"sys.path.insert(0, {str(Path(__file__).parent)!r})", "import odd_layers"),
        "odd_layers.Forgetful",
    )

    def made(self, making):
        """Everything given."""
        names = "gamma", "beta", "running_mean", "running_var"
        new = (
            f"{making.to} = {self.naming.name}({making.case.channels}, {making.case.eps}, {making.momentum})"
        )
        return [new, *(f"{making.to}.{name} = {name}.copy()" for name in names)]

    def forward(self, making, x, *, training):
        """One call."""
        return [f"y = {making.to}.forward({x}, training={training})"]

    def given(self, role, value):
        """The attribute is replaced."""
        return f"layer.{role} = {value}.copy()"

    def held(self, role, of="layer"):
        """The attribute."""
        return f"{of}.{role}"

    def count(self):
        """Nothing is counted."""
        return "None"

    def both(self, making, x, dy, *, training):
        """Not offered."""
        raise NotImplementedError

    opened = closed = changed = both


class WithoutWords(Adapter):
    """Nothing but what a stranger writes."""

    name = "own"
    capabilities = Capabilities(gradient=False, eval_gradient=False, ranks=(2,), dtypes=("float32",))

    def make(self, config):
        """A new layer."""
        return odd_layers.Forgetful(config.channels, config.eps, config.momentum)

    def forward(self, handle, x, training):
        """One call."""
        return handle.forward(x, training=training)


class WithWords(WithoutWords):
    """It says how its layer is written down."""

    def spelling(self):
        """Line by line."""
        return Words()


class WithOtherWords(WithoutWords):
    """Its spelling is none."""

    def spelling(self):
        """No spelling."""
        return "layer.forward(x)"
