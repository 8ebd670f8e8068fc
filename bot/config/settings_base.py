"""The base class of all settings, and references to secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

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

    _key: str = PrivateAttr(default="")
    _user: str = PrivateAttr(default="")

    def used_by(self, key: str, user: str) -> Secret:
        """Returns the secret with the key of firstmate.yml that refers to it, and the user whose password it is."""
        told = self.model_copy()
        told._key, told._user = key, user
        return told

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.env, self.file) == (other.env, other.file)

    def __hash__(self) -> int:
        return hash((self.env, self.file))

    @property
    def _use(self) -> str:
        user = f" of the user {self._user}" if self._user else ""
        return f", which {self._key}{user} in firstmate.yml refers to," if self._key else ""

    def read(self) -> str:
        """Returns the secret; raises ConfigError that names a source that is missing or empty, and its key."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise ConfigError(
                    f"The environment variable {self.env}{self._use} is not set or empty. Set it before you "
                    "start the command, or write {file: PATH} instead of {env: NAME}."
                )
            return value
        assert self.file is not None
        try:
            value = self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"The secret file {self.file}{self._use} cannot be read: {error.strerror}. Create it with mode "
                "0600, owned by the user that runs Firstmate."
            ) from error
        if not value:
            raise ConfigError(f"The secret file {self.file}{self._use} is empty. Write the secret into it.")
        return value
