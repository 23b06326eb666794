"""The first page of a bundle: the most likely cause, what else was seen, what could not be collected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsxn_runtime.diagnose.cause import Cause
from fsxn_runtime.diagnose.facts import Facts, missing


def first_page(facts: Facts, found: Sequence[Cause], prefix: str, moment: str) -> str:
    """Write the page. `moment`: when it was collected, as text."""
    return "\n".join(_lines(facts, found, prefix, moment)) + "\n"


def _lines(facts: Facts, found: Sequence[Cause], prefix: str, moment: str) -> Iterator[str]:
    yield f"Diagnosis of {prefix}, {moment}"
    yield ""
    unknown = missing(facts)
    if found:
        yield f"Most likely cause: {found[0].says}"
        yield from _details(found[0])
    elif unknown:
        yield "Nothing wrong was seen in what could be collected; what could not is listed below."
    else:
        yield "Nothing wrong was seen: all of it was collected, and nothing stands in the way of an event."
    if found[1:]:
        yield ""
        yield "Also seen, the weightier first:"
        for number, cause in enumerate(found[1:], 2):
            yield f"{number}. {cause.says}"
            yield from _details(cause)
    yield ""
    yield "Collected (each a file below facts/):"
    for name, fact in sorted(facts.items()):
        if name not in unknown:
            yield f"  {name}, {fact.seconds:g} s"
    yield ""
    yield "Could not be collected:" if unknown else "Everything could be collected."
    for name, why in sorted(unknown.items()):
        yield f"  {name}: {' '.join(why.split())}"


def _details(cause: Cause) -> Iterator[str]:
    for text in cause.evidence:
        yield f"   seen: {text}"
    if cause.runbook:
        yield f"   page: docs/runbooks/{cause.runbook}"
    if cause.command:
        yield f"   next: {cause.command}"
