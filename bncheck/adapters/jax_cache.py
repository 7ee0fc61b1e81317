"""JAX's persistent compilation cache: what a run compiles is there for the next one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax


def keep_compiled() -> None:
    """Let JAX keep what it compiles in the user's cache folder, unless a folder is set or the cache is turned off."""
    settings: Any = jax.config  # untyped
    if settings.jax_compilation_cache_dir is not None or not settings.jax_enable_compilation_cache:
        return
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bncheck" / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    settings.update("jax_compilation_cache_dir", str(folder))
    # Each of these functions compiles in less than the second that JAX takes for worth keeping.
    settings.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    settings.update("jax_persistent_cache_min_entry_size_bytes", -1)
