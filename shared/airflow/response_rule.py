"""`ResponseRule`: one kind of response, and what it means."""

import re
from enum import Enum

import msgspec

from shared.airflow.response import Response
from shared.model.errors import AirflowNotFound, BlobToDagError, RetryableError
from shared.model.run_request import RunRequest


class ResponseKind(Enum):
    """What a response to a trigger call means where it is not an error."""

    CREATED = "created"
    EXISTS = "already there"
    CONFLICT = "look the run up"


class Body(Enum):
    """What a body must be for a rule to match."""

    ANY = "any"
    OBJECT = "a JSON object"
    PAGE = "an HTML page"
    OURS = "a JSON object with our run id"
    ERROR = "an error in Airflow's shape"


class ResponseRule(msgspec.Struct, frozen=True):
    """One kind of response.

    Attributes:
        statuses: HTTP statuses.
        body: What the body must be.
        outcome: What it means in response to a trigger call.
        seen: Where such a response was seen.
        text: Pattern that the error's text must begin with; `{dag_id}` and `{run_id}` stand for the run's.
        is_listing_rejected: Whether a request for the list of DAGs must have been rejected, too.
        question: What it means in response to any other call, which creates nothing, if it is unexpected.
    """

    statuses: range
    body: Body
    outcome: ResponseKind | type[BlobToDagError]
    seen: str
    text: str = ""
    is_listing_rejected: bool = False
    question: type[RetryableError] = AirflowNotFound

    @property
    def status_text(self) -> str:
        """The statuses, as the documentation shows them."""
        match len(self.statuses):
            case 1 | 2:
                return ", ".join(map(str, self.statuses))
            case 100:
                return f"{self.statuses[0] // 100}xx"
        return "other"

    @property
    def condition(self) -> str:
        """What else must hold, as the documentation shows it."""
        if self.text:
            return f"Airflow's text begins with `{self.text}`"
        return (
            f"{self.body.value}; listing DAGs is rejected, too"
            if self.is_listing_rejected
            else self.body.value
        )

    @property
    def outcome_text(self) -> str:
        """The outcome, as the documentation shows it."""
        return self.outcome.value if isinstance(self.outcome, ResponseKind) else f"`{self.outcome.__name__}`"

    def matches(
        self, response: Response, run: RunRequest, *, error_key: str, is_ours: bool, is_listing_rejected: bool
    ) -> bool:
        """Tell whether a response is of this kind; see `classify` for the arguments."""
        bodies = {
            Body.ANY: True,
            Body.OBJECT: isinstance(response.json, dict),
            Body.PAGE: response.is_page,
            Body.OURS: is_ours,
            Body.ERROR: bool(response.error_text(error_key)),
        }
        # Not str.format: the pattern may hold other braces.
        text = self.text.replace("{dag_id}", re.escape(run.dag_id)).replace("{run_id}", re.escape(run.run_id))
        return (
            response.status in self.statuses
            and bodies[self.body]
            and (is_listing_rejected or not self.is_listing_rejected)
            and (not text or response.error_begins(text, key=error_key))
        )
