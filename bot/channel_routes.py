"""Routes alerts to Slack channels by the matchers of the configuration."""

from __future__ import annotations

from collections.abc import Callable

from bot.alerts import Alert, parse_matcher
from bot.config import Config
from bot.errors import ConfigError, WrongUsage


def channel_routes(config: Config) -> Callable[[Alert], str]:
    """Returns a function from an alert to a channel: that of the first route whose matchers all match, or the default.

    Raises ConfigError for a matcher that does not parse.
    """
    try:
        routes = [([parse_matcher(text) for text in route.match], route.channel) for route in config.routes]
    except WrongUsage as error:
        raise ConfigError(f"routes: {error}") from error

    def channel_of(alert: Alert) -> str:
        for matchers, channel in routes:
            if all(matcher.accepts(alert.labels.get(matcher.name, "")) for matcher in matchers):
                return channel
        return config.default_channel

    return channel_of
