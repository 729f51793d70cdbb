"""The states of a job request, and which one may follow which.

A request's state is part of its key in the table (``jobStatus``, the manual's schema), so every
change of state is a move from one item to another. The manual's own words are kept: its users read
the same table.

::

    PendingDeployment ──claim──▶ Deploying ──▶ Deployed
        │    ▲    │                │   ▲ └──▶ Failed
        │    │    └──refuse──▶ Failed  └── taken over, released
        │    └──────retry────── Failed, Canceled
        └──cancel──▶ Canceled

A request that cannot be deployed, for any reason, is Failed; ``FailureKind`` is the kind of reason.
Dead requests have no state of their own: one query finds all requests that need a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RequestState(StrEnum):
    """The state of a request: the values of ``jobStatus``."""

    PENDING = "PendingDeployment"
    DEPLOYING = "Deploying"
    DEPLOYED = "Deployed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def is_over(self) -> bool:
        """Whether it stays in this state unless a person changes it."""
        return self in (RequestState.DEPLOYED, RequestState.FAILED, RequestState.CANCELED)


#: What a request may become next. DEPLOYING to DEPLOYING is another worker taking over.
NEXT_STATES: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.PENDING: frozenset(
        {RequestState.DEPLOYING, RequestState.CANCELED, RequestState.FAILED}
    ),
    RequestState.DEPLOYING: frozenset(
        {RequestState.DEPLOYING, RequestState.DEPLOYED, RequestState.FAILED}
    ),
    RequestState.DEPLOYED: frozenset(),
    RequestState.FAILED: frozenset({RequestState.PENDING}),
    RequestState.CANCELED: frozenset({RequestState.PENDING}),
}


class FailureKind(StrEnum):
    """Why a request failed, by who can act on it."""

    #: It was deployed, and not every thing runs the image: the firmware team.
    DEPLOYMENT = "deployment"
    #: What the queue stores of it cannot be used or trusted: ask who added it.
    REFUSED = "refused"
    #: AWS refused: the account's administrator.
    AWS = "aws"
    #: Its workers ended repeatedly without a result: ask who runs them.
    DEAD = "dead"
