"""The schema of the steps of `gather`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from bot.runbook.language.schema_base import MAX_ITEMS, Duration, Parameters, RunbookModel, Selector, Template, Where

STEP_TIMEOUT = 3.0
"""The default timeout of a gather step, in seconds."""


class GatherStep(RunbookModel):
    """One run of a diagnostic."""

    use: str
    """The name of a diagnostic in the catalog, e.g. mysql.replica_status."""
    on: Where = "target"
    """The instances on which it runs; except for `target` and `primary`, the evidence is a list with one item each."""
    each: Template | None = None
    """An expression for a list: the diagnostic runs once for each `item`, and the evidence is a list."""
    limit: int = Field(default=10, ge=1, le=MAX_ITEMS)
    """The most items of `each`; the card states how many further items were skipped."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """The parameters of the diagnostic; text can contain expressions."""
    when: Template | None = None
    """A condition; the step runs only if it is true."""
    timeout: Annotated[Duration, Field(le=30)] = STEP_TIMEOUT
    """The timeout, in seconds."""
    retries: int = Field(default=0, ge=0, le=3)
    """How often the step is retried after a failure."""
    show: bool = False
    """Whether the evidence is meant for the reader even if no expression reads it."""

    @model_validator(mode="after")
    def _has_each_or_several_instances(self) -> GatherStep:
        if self.each is not None and self.many_places:
            raise ValueError("`each` cannot be combined with several instances in `on`")
        if isinstance(self.on, Selector) and "{{" in (self.on.tablet or ""):
            raise ValueError("`tablet` of a step cannot be an expression, because no evidence is available yet")
        return self

    @property
    def many_places(self) -> bool:
        """Whether the step runs on several instances."""
        return self.on not in ("target", "primary")

    @property
    def is_list(self) -> bool:
        """Whether the evidence is a list."""
        return self.many_places or self.each is not None


def _short_step(value: object) -> object:
    """Expands `replica: mysql.replica_status` to `replica: {use: mysql.replica_status}`."""
    return {"use": value} if isinstance(value, str) else value


Step: TypeAlias = Annotated[GatherStep, BeforeValidator(_short_step, json_schema_input_type=str | GatherStep)]
