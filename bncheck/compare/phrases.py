"""Conventions as sentences: what a target does, and how several differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bncheck.dialect import USUAL
from bncheck.identify.measurement import Card

# Where two cards differ, the convention that explains most is told first.
ORDER = (
    "axes",
    "training_output",
    "affine_terms",
    "eps",
    "eps_evaluation",
    "update",
    "momentum",
    "running_variance",
    "first_batch",
    "momentum_none",
    "float64",
    "eps_storage",
    "output",
    "single",
    "empty",
    "empty_counted",
    "untrained",
    "repeatable",
    "eps_default",
    "momentum_default",
    "variance",
    "affine",
    "clipped",
)
# What is done to y alone, by which the running statistics do not change.
OF_OUTPUT = ("training_output", "affine_terms", "eps", "eps_evaluation")
# What every sound implementation does, of the conventions for which no dialect has words.
_REGULAR: Mapping[str, tuple[str, ...]] = {
    "axes": ("all but the channels",),
    "training_output": ("batch",),
    "affine_terms": ("gamma xhat + beta",),
    "eps": ("inside the root",),
    "eps_evaluation": ("inside the root",),
    "update": ("forward",),
    "momentum": ("new", "old"),
    "momentum_none": ("cumulative",),
    "float64": ("honoured",),
}
_PHRASES: Mapping[str, str] = {
    "axes": "takes mean and variance over {}",
    "training_output": "normalises training batches by the {} statistics",
    "affine_terms": "computes {}",
    "eps": "has eps {} in training",
    "eps_evaluation": "has eps {} in evaluation",
    "update": "moves its statistics in the pass {}",
    "momentum": "takes momentum as the weight of the {}",
    "running_variance": "tracks as its variance: {}",
    "first_batch": "starts with the first batch: it {}",
    "momentum_none": "makes of momentum None: {}",
    "float64": "computes float64 as: {}",
    "eps_storage": "keeps eps as {}",
    "output": "gives y a dtype: {}",
    "single": "makes of one value a channel: {}",
    "empty": "makes of an empty batch: {}",
    "empty_counted": "counts an empty batch: {}",
    "untrained": "evaluates a new layer by {}",
    "repeatable": "repeats itself {}",
    "eps_default": "has the default eps {}",
    "momentum_default": "has the default momentum {}",
    "variance": "has a {} variance",
    "affine": "has a {} affine step",
    "clipped": "clips its variance: {}",
}
# Whole sentences where the template makes none.
_SENTENCES: Mapping[tuple[str, str], str] = {
    ("running_variance", "biased"): "tracks the biased variance",
    ("running_variance", "unbiased"): "tracks the unbiased variance",
    ("running_variance", "never updated"): "never updates its running variance",
    ("update", "forward"): "moves its statistics in the forward pass",
    ("update", "backward"): "moves its statistics in the backward pass",
    ("update", "never"): "never moves its statistics",
    ("momentum", "another"): "takes momentum for another weight",
    ("momentum", "no average"): "adds the new batch by momentum, and the old statistics do not fade by it",
    ("training_output", "batch, with the unbiased variance"): (
        "normalises training batches by their own mean and unbiased variance"
    ),
    ("training_output", "another"): "normalises training batches by other statistics",
    ("momentum", "new"): "takes momentum as the weight of the new batch",
    ("momentum", "old"): "takes momentum as the weight of the old statistics",
    ("training_output", "running, before the update"): (
        "normalises training batches by the running statistics before their update"
    ),
    ("training_output", "running, after the update"): (
        "normalises training batches by the running statistics after their update"
    ),
    ("training_output", "batch"): "normalises training batches by their own statistics",
    (
        "running_variance",
        "by_rank",
    ): "tracks the biased variance below rank 4 and the unbiased one from it on",
    ("first_batch", "blends"): "blends the first batch with what a new layer starts from",
    ("first_batch", "replaces"): "replaces what a new layer starts from by the first batch",
    ("first_batch", "debiased"): "takes what a new layer starts from off its average",
    ("eps_storage", "exact"): "keeps eps as it is given",
    ("eps_storage", "float32"): "keeps eps in float32",
    ("output", "input"): "gives y the dtype of x",
    ("output", "promoted"): "gives y the wider of the dtypes of x and gamma",
    ("variance", "two_pass"): "has a two-pass variance",
    ("variance", "one_pass"): "has a one-pass variance",
    ("clipped", "yes"): "never has a negative variance",
    ("clipped", "no"): "may have a negative variance",
    ("empty", "keep"): "keeps its statistics on an empty batch",
    ("empty", "raise"): "raises on an empty batch",
    ("empty", "nan"): "has NaN statistics after an empty batch",
    ("empty_counted", "yes"): "counts an empty batch",
    ("empty_counted", "no"): "does not count an empty batch",
    ("single", "raise"): "raises on one value a channel",
    ("single", "nan"): "makes NaN of one value a channel",
    ("single", "identity"): "passes one value a channel on",
    ("single", "beta"): "makes beta of one value a channel",
    ("untrained", "raises"): "raises on a new layer in evaluation",
    ("float64", "demoted"): "computes float64 in float32",
    ("float64", "honoured"): "computes float64 in float64",
}


def phrase(name: str, value: str) -> str:
    """What a target with this value does: "tracks the biased variance"."""
    if name == "momentum" and value.startswith("ignored"):
        return f"ignores momentum{value.removeprefix('ignored')}"
    return _SENTENCES.get((name, value)) or _PHRASES[name].format(value)


def contrast(name: str, cards: Sequence[Card]) -> str:
    """What each of the targets does, the first one first, those that do the same together."""
    groups: dict[str, list[str]] = {}
    for card in cards:
        value = card.value(name)
        if value is not None:
            groups.setdefault(value, []).append(card.target)
    return "; ".join(f"{', '.join(names)} {phrase(name, value)}" for value, names in groups.items())


def evidence(name: str, cards: Sequence[Card]) -> str:
    """The evidence of each target, those with the same together."""
    groups: dict[str, list[str]] = {}
    for card in cards:
        found = card.of(name)
        if found is not None and found.value is not None:
            groups.setdefault(found.evidence, []).append(card.target)
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in groups.items())


def differing(cards: Sequence[Card]) -> tuple[str, ...]:
    """The conventions of which at least two values were measured, in the order in which they are told."""
    return tuple(
        name
        for name in ORDER
        if len({value for card in cards if (value := card.value(name)) is not None}) > 1
    )


def irregular(card: Card) -> tuple[str, ...]:
    """The conventions in which a target does what no sound one does, or not what it declares; the likeliest causes."""
    found = []
    for name in ORDER:
        each = card.of(name)
        if each is None or each.value is None:
            continue
        # What is declared and so is regular too.
        declared = each.declared not in {None, getattr(USUAL, each.convention, None)}
        if each.contradicts or not (declared or each.value in _REGULAR.get(name, (each.value,))):
            found.append(name)
    return tuple(found)
