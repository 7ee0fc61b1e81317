"""An issue: Markdown for the tracker of the library at fault."""

from __future__ import annotations

from bncheck.causes.explanation import Explanation
from bncheck.environment import environment
from bncheck.law import Law


def issue_of(
    law: Law, target: str, *, printed: str, script: str, versions: str, cause: Explanation | None = None
) -> str:
    """Title, what happens, what should happen, the script, the versions."""
    code = "\n".join(line for line in script.splitlines() if not line.startswith("#")).strip()
    first = printed.splitlines()[-1] if printed else law.name
    return f"""# {target}: {first}

## What happens

On the input of the script below, `{target}` does not hold "{law.name}".  The script prints

```
{printed}
```
{_likely(cause)}
## What should happen

{law.formula}

Source: {law.source}.  What is expected was computed exactly, from the very bits of the input; what is allowed is a proven
bound on the error of any sound algorithm on this input.

## Script

It exits with 1 while the bug is there, with 0 when it is gone, and with 2 if anything else goes wrong.

```python
{code}
```

## Versions

{versions}; {environment()["platform"]}.  Found by bncheck, law `{law.id}`.
"""


def _likely(cause: Explanation | None) -> str:
    """A paragraph on the cause; nothing where none is known."""
    if cause is None:
        return ""
    names = " with ".join((cause.id, *cause.companions))
    evidence = (
        f"A layer that does this gives {cause.explains} of the {cause.of} wrong results that were looked at"
    )
    return f"\nThe likely cause: {cause.text}  {evidence} ({names}).\n"
