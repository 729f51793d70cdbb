"""The states of a job request, and which one may follow which.

A request's state is part of its key in the table (``jobStatus``, the manual's schema), so every
change of state is a move from one item to another. The manual's own words are kept where it has
them: its users read the same table.

::

    PendingDeployment ──claim──▶ Deploying ──▶ Deployed
        │    ▲    │                │   ▲ └──▶ Failed
        │    │    └──refuse──▶ Failed  └── taken over, handed back
        │    └──────retry────── Failed, Canceled
        └──cancel──▶ Canceled

A request that cannot be carried out, whatever the reason, is Failed; ``FailureKind`` says of which
kind. There is no state of its own for dead requests: a query for what needs a person looks
at one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RequestState(StrEnum):
    """How far a request is: the values of ``jobStatus``."""

    PENDING = "PendingDeployment"
    DEPLOYING = "Deploying"
    DEPLOYED = "Deployed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it unless a person says so."""
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
    #: What the queue holds of it cannot be used or trusted: ask who added it.
    REFUSED = "refused"
    #: AWS said no: the account's administrator.
    AWS = "aws"
    #: Its workers ended repeatedly without a result: ask who runs them.
    DEAD = "dead"
