"""The schema of `remedies`: a remedy and its steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bot.runbook.language.schema_base import MAX_ITEMS, Line, Name, Parameters, RunbookModel, Where


class RemedyStep(RunbookModel):
    """One step of a remedy: an action, or the remedy of another runbook."""

    use: str | None = None
    """The name of a remediation in the catalog, e.g. mysql.start_replica."""
    runbook: str | None = None
    """Another runbook, which gathers its own evidence and whose remedy is used."""
    remedy: Name | None = None
    """The remedy of that runbook; by default the first one that its leading cause offers."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """The parameters of the action, or the inputs of the other runbook."""

    @model_validator(mode="after")
    def _has_use_or_runbook(self) -> RemedyStep:
        if (self.use is None) == (self.runbook is None):
            raise ValueError("a step requires either `use` or `runbook`")
        if self.remedy is not None and self.runbook is None:
            raise ValueError("`remedy` is allowed only together with `runbook`")
        return self


class Remedy(RunbookModel):
    """One or more changes that resolve a cause; a single step can be written without `steps`."""

    title: Line | None = None
    """The title of the approval request; by default the name."""
    on: Where = "target"
    """The instances that are changed, always within the shard of the target."""
    batches: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_ITEMS)], ...], Field(min_length=1, max_length=10)] = (
        1,
        2,
        4,
    )
    """The number of targets per batch; the last number repeats. Each batch is verified before the next one starts."""
    on_failure: Literal["stop", "undo", "continue"] = "stop"
    """What happens if a change fails or cannot be verified: stop, undo all changes made so far, or continue."""
    error_budget: Annotated[int, Field(ge=0, le=50)] = 2
    """With `on_failure: continue`, the number of changes that may fail before the rollout stops."""
    use: str | None = None
    """See the keys of a step."""
    runbook: str | None = None
    """See the keys of a step."""
    remedy: Name | None = None
    """See the keys of a step."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """See the keys of a step."""
    steps: Annotated[tuple[RemedyStep, ...], Field(max_length=10)] = ()
    """The changes in order, if there are several; each is verified before the next one starts."""

    @model_validator(mode="after")
    def _has_steps_or_one_action(self) -> Remedy:
        if bool(self.steps) == (self.use is not None or self.runbook is not None):
            raise ValueError("a remedy requires exactly one of `use`, `runbook` and `steps`")
        if self.steps and (self.parameters or self.remedy):
            raise ValueError("with `steps`, put `with` and `remedy` into the steps")
        if not self.steps:
            RemedyStep.model_validate(self._single_step)
        if any(step.runbook is not None for step in self.each_step) and self.on != "target":
            raise ValueError("`on` is not allowed with `runbook`: the other runbook selects its own targets")
        return self

    @property
    def _single_step(self) -> dict[str, Any]:
        return {"use": self.use, "runbook": self.runbook, "remedy": self.remedy, "with": self.parameters}

    @property
    def each_step(self) -> tuple[RemedyStep, ...]:
        """The steps; a remedy without `steps` is one step."""
        return self.steps or (RemedyStep.model_validate(self._single_step),)
