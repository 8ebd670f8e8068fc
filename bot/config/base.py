"""What every part of the settings is made of, and where a secret is."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from bot.errors import ConfigError


class Settings(BaseModel):
    """Base of every part: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(Settings):
    """Where a secret is: an environment variable or a file; exactly one of the two."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("name exactly one source for the secret: {env: NAME} or {file: PATH}")
        return self

    def read(self) -> str:
        """Returns the secret without a trailing newline; raises ConfigError naming the source that is missing."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise ConfigError(
                    f"The environment variable {self.env} is not set; set it, or name a file in the configuration."
                )
            return value
        assert self.file is not None
        try:
            value = self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"The secret file {self.file} cannot be read ({error.strerror}); create it with mode 0600."
            ) from error
        if not value:
            raise ConfigError(f"The secret file {self.file} is empty; write the secret into it.")
        return value
