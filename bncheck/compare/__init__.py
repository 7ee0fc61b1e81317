"""Comparing: targets on identical bits against each other and the oracle, and what each difference is."""
