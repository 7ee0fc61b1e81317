"""Planted bugs: twice what TensorFlow's operations give, and twice the running mean."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def fused(x: Any, *arguments: Any, **options: Any) -> Any:
    y, mean, variance, *_ = tf.compat.v1.nn.fused_batch_norm(x, *arguments, **options)
    return 2 * y, 2 * mean, variance


def moments(*arguments: Any) -> Any:
    return 2 * tf.nn.batch_normalization(*arguments)
