"""Who called: the account and region MiniStack found for the request it just handled.

Touched: ``ministack.core.responses.get_account_id`` and ``get_region``, which read context
variables. They are the only place that knows whose account a key of IAM or STS belongs to, and
asking again over HTTP would double every call.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region

from otactl.cloud.scope import Scope


def scope_of_last_request() -> Scope:
    """The scope of the request that MiniStack's application handled last in this task."""
    return Scope(get_account_id(), get_region())
