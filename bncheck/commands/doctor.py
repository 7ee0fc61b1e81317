"""`bncheck doctor`: what is here."""

from __future__ import annotations

import click

from bncheck.terminal import clear_errors, terminal


@click.command()
def doctor() -> None:
    """Print versions, devices, and what is installed and what is not."""
    from bncheck.environment import devices, environment, processors
    from bncheck.loading import adapters

    with clear_errors():
        console = terminal()
        for name, text in environment().items():
            console.print(f"{name}: {text}", markup=False, highlight=False)
        console.print(f"processors: {processors()}", highlight=False)
        for framework, text in devices().items():
            console.print(f"{framework} runs on: {text}", markup=False, highlight=False)
        for name, text in adapters().items():
            console.print(f"adapter {name}: {text}", markup=False, highlight=False)
