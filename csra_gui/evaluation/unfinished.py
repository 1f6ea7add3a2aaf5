"""Going on with an evaluation that was stopped."""

from __future__ import annotations

from pathlib import Path

from engine.api.config import EvaluateConfig
from engine.api.evaluation import EvaluationRequest
from engine.records.unfinished import UnfinishedRun


def as_request(stopped: UnfinishedRun) -> EvaluationRequest:
    """The request that is fulfilled by evaluating what is missing."""
    facts = stopped.facts
    size, limit = facts.get("input size", ""), facts.get("limit", "")
    return EvaluationRequest(
        facts.get("kind", ""),
        Path(facts.get("root", "")),
        facts.get("split", ""),
        facts.get("model") or None,
        EvaluateConfig(
            flip=facts.get("flip") == "True",
            input_size=int(size) if size.isdigit() else None,
        ),
        limit=int(limit) if limit.isdigit() and int(limit) else None,
    )
