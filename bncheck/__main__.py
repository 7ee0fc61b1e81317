"""`python -m bncheck`."""

from bncheck.command_line import main

main()
