"""The plain bugs, each with its true family, and the defects that belong to no family."""

from __future__ import annotations

from typing import NamedTuple


class PlainBug(NamedTuple):
    """`target`: a locator beside this file.  `family`: what is wrong, None for what no list of causes would hold.
    `text`: one sentence of what the code does.
    """

    target: str
    family: str | None
    text: str


# What the bugs are written from; they hold every law.
SOUND = (
    "numpy_layers.py:BatchNorm",
    "torch_modules.py:BatchNorm",
    "numpy_functions.py:batch_norm",
    "torch_functions.py:batch_norm",
    "jax_functions.py:batch_norm",
)

BUGS = (
    PlainBug("numpy_layers.py:EpsOutside", "eps", "Divides by sqrt(var) + eps."),
    PlainBug("numpy_layers.py:EpsFixed", "eps", "Uses 1e-5 whatever eps is given."),
    PlainBug("torch_modules.py:EpsAsFloor", "eps", "Divides by sqrt(max(var, eps))."),
    PlainBug("torch_modules.py:EpsForgottenInEvaluation", "eps", "Evaluates without eps."),
    PlainBug(
        "torch_modules.py:UnbiasedBatchVariance",
        "variance",
        "Normalises with the unbiased variance of the batch.",
    ),
    PlainBug("jax_functions.py:no_root", "variance", "Divides by var + eps instead of its root."),
    PlainBug(
        "numpy_functions.py:mean_over_batch_size",
        "mean",
        "Divides the sum of a channel by the number of samples alone.",
    ),
    PlainBug("torch_modules.py:PerPixel", "axes", "Takes statistics over the samples and not the positions."),
    PlainBug("numpy_functions.py:whole_batch", "axes", "Takes one mean and variance over all channels."),
    PlainBug("numpy_layers.py:GammaPlusOne", "affine", "Scales by 1 + gamma."),
    PlainBug("numpy_layers.py:BetaInsideScale", "affine", "Returns gamma (x_hat + beta)."),
    PlainBug("torch_modules.py:BetaForgottenInEvaluation", "affine", "Evaluates without beta."),
    PlainBug(
        "numpy_layers.py:MomentumReversed", "momentum", "Takes momentum for the weight of the old statistics."
    ),
    PlainBug(
        "torch_modules.py:CumulativeAsTenth", "momentum", "Takes momentum=None for 0.1, not for the average."
    ),
    PlainBug(
        "numpy_layers.py:RunningMeanNotDecayed",
        "running_mean",
        "Adds momentum times the mean to a running mean that keeps its full weight.",
    ),
    PlainBug(
        "torch_functions.py:running_mean_stuck",
        "running_mean",
        "Binds the new running mean to a local name, so that it is lost.",
    ),
    PlainBug("numpy_layers.py:BiasedRunningVariance", "running_var", "Tracks the biased variance."),
    PlainBug(
        "torch_modules.py:BesselOverBatchSize",
        "running_var",
        "Corrects the tracked variance by n / (n - 1) with the number of samples for n.",
    ),
    PlainBug("numpy_layers.py:TracksInEvaluation", "mode", "Tracks the batches of evaluation too."),
    PlainBug(
        "torch_modules.py:TracksOnlyWithGradient",
        "mode",
        "Trains without tracking where x needs no gradient.",
    ),
    PlainBug("torch_functions.py:always_the_batch", "mode", "Evaluates with the statistics of the batch."),
    PlainBug("numpy_layers.py:HalfSums", "dtype", "Adds up the mean of a float16 batch in float16."),
    PlainBug("numpy_layers.py:OnePassVariance", "numerics", "Computes mean(x^2) - mean(x)^2."),
    PlainBug("numpy_layers.py:MemoryOrder", "layout", "Reads a transposed x in the order of its memory."),
    PlainBug(
        "torch_functions.py:contiguous_copies",
        "layout",
        "Updates a contiguous copy of running statistics that have strides, so that the update is lost.",
    ),
    PlainBug("numpy_layers.py:NanToNum", "special_values", "Turns NaN into 0 and infinities into numbers."),
    PlainBug("numpy_backward.py:DxWithoutMeanTerm", "gradient_dx", "Leaves mean(dy) out of dx."),
    PlainBug("numpy_backward.py:DxWithoutGamma", "gradient_dx", "Leaves gamma out of dx."),
    PlainBug(
        "torch_modules.py:DetachedStatistics",
        "gradient_dx",
        "Takes the batch statistics for constants in dx.",
    ),
    PlainBug("jax_functions.py:detached_variance", "gradient_dx", "Takes the variance for a constant in dx."),
    PlainBug("numpy_backward.py:DgammaMean", "gradient_dgamma", "Takes the mean for dgamma, not the sum."),
    PlainBug(
        "numpy_backward.py:DgammaOfCentred",
        "gradient_dgamma",
        "Sums dy (x - mean) for dgamma, without the inverse deviation.",
    ),
    PlainBug("numpy_backward.py:DbetaMean", "gradient_dbeta", "Divides dbeta by the number of values."),
    PlainBug("torch_modules.py:Dithered", "determinism", "Adds another noise to y at every call."),
    PlainBug("numpy_states.py:InPlace", "aliasing", "Normalises in the memory of x and returns it."),
    PlainBug(
        "numpy_states.py:StaleInverse",
        "state",
        "Keeps the inverse deviation of the first evaluation through further training.",
    ),
    PlainBug("numpy_states.py:UpdatesTwice", "state", "Moves the running statistics twice a batch."),
    PlainBug("torch_modules.py:SharedBuffers", "state", "Shares its statistics with layers of its width."),
    PlainBug(
        "numpy_states.py:FitsGammaToBatch",
        "validation",
        "Repeats or cuts parameters and statistics to fit a batch of any number of channels.",
    ),
    PlainBug("numpy_layers.py:SqueezedChannel", "crash", "Raises TypeError for a batch of one channel."),
)

UNCAUSED = (
    PlainBug("uncaused.py:ThirdChannelStep", None, "Adds 1e-3 in the third channel where x_hat is above 1."),
    PlainBug("uncaused.py:BentBeyondFour", None, "Bends y to a tanh where it is beyond 4."),
    PlainBug(
        "uncaused.py:PrimeBatches", None, "Takes the variance of a prime number of values 1 % too large."
    ),
    PlainBug("uncaused.py:Checksum", None, "Scales a batch by 1.001 where its checksum is divisible by 3."),
    PlainBug(
        "uncaused.py:SwappedPair",
        None,
        "Exchanges two samples of the last channel of a batch of five or more.",
    ),
    PlainBug(
        "uncaused.py:ZeroedElement", None, "Zeroes one element where a channel has eight values or more."
    ),
    PlainBug("uncaused.py:TableRoot", None, "Reads the inverse root from a table of three digits."),
    PlainBug("uncaused.py:BlurredAlongBatch", None, "Adds a thousandth of the sample before to each sample."),
    PlainBug("uncaused_torch.py:ChannelPhase", None, "Adds a wave of y whose phase is the channel's number."),
    PlainBug("uncaused_torch.py:HashNoise", None, "Adds noise that is seeded by the bits of the batch."),
    PlainBug("uncaused_torch.py:SawTooth", None, "Adds a five-hundredth of the fractional part of y."),
    PlainBug(
        "uncaused_torch.py:GradientTilt", None, "Counts positive gradients 2 % more than negative ones."
    ),
    PlainBug("uncaused_torch.py:MirroredLast", None, "Turns the sign of the last sample of an odd batch."),
    PlainBug(
        "numpy_functions.py:fibonacci_channels", None, "Exchanges gamma and beta in channels 2, 3, 5 and 8."
    ),
    PlainBug("jax_functions.py:cubic", None, "Adds a hundredth of the cube of x_hat."),
)
