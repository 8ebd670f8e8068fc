"""What the Slack client libraries log, as one sentence per change of the connection, with the next step.

slack_sdk logs each failed attempt to reconnect in its own words, every three seconds.
"""

from __future__ import annotations

import logging
import re

log = logging.getLogger(__name__)

_STATUS = re.compile(r"\(status: (\d+)")
_REASON = re.compile(r"message: (.*)\)$", re.DOTALL)
_ESTABLISHED = "A new session has been established"


class ClientLog(logging.Handler):
    """Turns the records of slack_sdk's socket client into Firstmate's own; the originals are logged as debug."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lost = False

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            if not self._lost:
                log.warning("%s", sentence(text))
            self._lost = True
        elif self._lost and text.startswith(_ESTABLISHED):
            self._lost = False
            log.warning("Firstmate is connected to Slack again.")
        log.debug("slack_sdk: %s", text)


def sentence(text: str) -> str:
    """Returns a sentence for a record of the socket client."""
    status, reason = _STATUS.search(text), _REASON.search(text)
    why = f"HTTP status {status.group(1)}" if status else " ".join((reason.group(1) if reason else text).split())[:200]
    return (
        f"Firstmate is not connected to Slack ({why}), so commands and buttons do not arrive; alerts are still "
        "handled. It tries again every few seconds. Check that this host, and a proxy in HTTPS_PROXY, may reach "
        "slack.com and wss-primary.slack.com on port 443."
    )


def socket_logger() -> logging.Logger:
    """Returns the logger for slack_sdk's socket client."""
    logger = logging.getLogger(f"{__name__}.socket")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(ClientLog())
    return logger


def web_logger() -> logging.Logger:
    """Returns the logger for slack_sdk's web client, whose errors reach the caller and are reported there."""
    logger = logging.getLogger(f"{__name__}.web")
    if not log.isEnabledFor(logging.DEBUG):
        logger.setLevel(logging.CRITICAL)
    return logger
