"""Sessions of onnxruntime with planted bugs."""

# As users write: no types.
# mypy: ignore-errors

import numpy as np
import onnxruntime


class OneMore(onnxruntime.InferenceSession):
    """y is one more."""

    def run(self, names, inputs):
        """As the session, but for that."""
        y, *statistics = super().run(names, inputs)
        return [y + y.dtype.type(1), *statistics]


class MeanMovesOn(onnxruntime.InferenceSession):
    """The new mean is one more."""

    def run(self, names, inputs):
        """As the session, but for that."""
        y, *statistics = super().run(names, inputs)
        return [y, *(each + each.dtype.type(1 - place) for place, each in enumerate(statistics))]


class TwoBugsFromTheSecondOn(MeanMovesOn):
    """Besides, y of every evaluation but the first is one more."""

    evaluated = False

    def run(self, names, inputs):
        """As MeanMovesOn, but for that."""
        y, *statistics = super().run(names, inputs)
        off = y.dtype.type(self.evaluated and not statistics)
        self.evaluated = self.evaluated or not statistics
        return [y + off, *statistics]


class WritesIntoItsMean(onnxruntime.InferenceSession):
    """It adds one to the mean that it is given."""

    def run(self, names, inputs):
        """As the session, but for that."""
        outputs = super().run(names, inputs)
        inputs[self.get_inputs()[3].name] += np.float32(1)
        return outputs
