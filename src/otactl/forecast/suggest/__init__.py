"""Which rollout and which abort criterion keep a wish: so quick, and no more bricked than that."""

from otactl.forecast.suggest.search import suggest
from otactl.forecast.suggest.wish import Setting, Suggestion, TradeOff, Wish

__all__ = ["Setting", "Suggestion", "TradeOff", "Wish", "suggest"]
