"""Which rollout and which abort criterion keep a wish: so quick, and no more bricked than that."""

from otactl.forecast.suggest.goal import Goal, Setting, Suggestion, TradeOff
from otactl.forecast.suggest.search import suggest

__all__ = ["Goal", "Setting", "Suggestion", "TradeOff", "suggest"]
