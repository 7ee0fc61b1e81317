"""What turns a target into an implementation: one module a framework."""
