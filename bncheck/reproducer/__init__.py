"""Reproducers: a saved case as a script, a regression test or an issue, for those who do not have bncheck."""
