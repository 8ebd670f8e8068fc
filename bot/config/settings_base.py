"""The base class of all settings, and references to secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from bot.errors import ConfigError


class Settings(BaseModel):
    """Base class of all settings: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Takes:
    """Annotates a key whose documented type is narrower than the type of the field."""

    text: str
    """The type, as the documentation writes it."""


class Secret(Settings):
    """A reference to a secret: the name of an environment variable or the path of a file, exactly one of the two."""

    env: str | None = None
    """The environment variable that holds the secret."""
    file: Path | None = None
    """The file that holds the secret, relative to the folder of firstmate.yml; surrounding whitespace is ignored."""

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("name exactly one source for the secret: {env: NAME} or {file: PATH}")
        return self

    def read(self) -> str:
        """Returns the secret; raises ConfigError that names a source that is missing or empty."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise ConfigError(
                    f"The environment variable {self.env} is not set. Set it, or use {{file: PATH}} instead."
                )
            return value
        assert self.file is not None
        try:
            value = self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"The secret file {self.file} cannot be read ({error.strerror}). Create it with mode 0600."
            ) from error
        if not value:
            raise ConfigError(f"The secret file {self.file} is empty. Write the secret into it.")
        return value
