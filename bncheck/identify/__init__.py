"""Identifying: the conventions that an implementation follows, measured by chosen probes, and its card."""
