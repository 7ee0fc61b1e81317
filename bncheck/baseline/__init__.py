"""The baseline: failures that a team knows of, each with a case that proves it still fails as it is written."""
