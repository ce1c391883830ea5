"""What Airflow's answers to a trigger call mean: one table for all generations.

Measured against 1.10.15, 2.11.2 and 3.3.2. `docs/airflow.md` shows the same rows; a test compares the two.
"""

import re
from dataclasses import dataclass
from enum import Enum

from shared.airflow.answer import Answer


class Meaning(Enum):
    """What an answer to a trigger call says, before anything was looked up."""

    CREATED = "created"
    EXISTS = "already delivered: the words name our run"
    CONFLICT = "look the run up: there is delivered, not there is another run's date"
    DAG_MISSING = "try again: the DAG is not deployed yet"
    DAG_BROKEN = "try again: the DAG's file is to be mended"
    BAD_CREDENTIALS = "try again with fresh credentials"
    FORBIDDEN = "try again: the role is to be mended"
    REFUSED = "never, in Airflow's own words"
    BUSY = "try again, after `Retry-After`; nothing was done"
    UNCLEAR = "try again with the same run id: the run may exist"
    FOREIGN = "try again: this is not Airflow's API"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of answer.

    Attributes:
        statuses: HTTP statuses.
        meaning: What it says.
        seen: Where such an answer was seen.
        words: What Airflow's words must match, in any case; `{run_id}` stands for ours.
        is_ours: Whether the JSON must hold our run id.
        is_json: Whether the body must be a JSON object.
    """

    statuses: range
    meaning: Meaning
    seen: str
    words: str = ""
    is_ours: bool = False
    is_json: bool = False

    @property
    def status_text(self) -> str:
        """The statuses, as the documentation shows them."""
        return str(self.statuses[0]) if len(self.statuses) == 1 else f"{self.statuses[0] // 100}xx"

    @property
    def condition(self) -> str:
        """What else must hold, as the documentation shows it."""
        if self.is_ours:
            return "JSON with our run id"
        if self.words:
            return f"JSON, words match `{self.words}`"
        return "JSON" if self.is_json else "any"

    def matches(self, answer: Answer, run_id: str, *, is_ours: bool) -> bool:
        """Tell whether an answer is of this kind."""
        return (
            answer.status in self.statuses
            and (is_ours or not self.is_ours)
            and (isinstance(answer.json, dict) or not self.is_json)
            and bool(
                re.search(self.words.replace("{run_id}", re.escape(run_id)), answer.words, re.IGNORECASE)
            )
        )


def _is(status: int) -> range:
    return range(status, status + 1)


TABLE: tuple[Row, ...] = (
    Row(statuses=range(200, 300), is_ours=True, meaning=Meaning.CREATED, seen="all"),
    Row(statuses=range(200, 300), meaning=Meaning.FOREIGN, seen="a log-in page, a proxy, a torn body"),
    Row(
        statuses=range(300, 400), meaning=Meaning.FOREIGN, seen="a redirect to a log-in page; never followed"
    ),
    Row(
        statuses=_is(400),
        words="Run id {run_id} already exists for dag id",
        is_json=True,
        meaning=Meaning.EXISTS,
        seen="1.10",
    ),
    Row(
        statuses=_is(400),
        words="has import errors",
        is_json=True,
        meaning=Meaning.DAG_BROKEN,
        seen="2, 3",
    ),
    Row(
        statuses=_is(400),
        is_json=True,
        meaning=Meaning.REFUSED,
        seen="2, 3: params that fail, a reserved run id, a DAG not to be run by hand, a bad field",
    ),
    Row(
        statuses=_is(401),
        meaning=Meaning.BAD_CREDENTIALS,
        seen="3: expired token; 1.10, 3: none sent",
    ),
    Row(
        statuses=_is(403),
        words="JWT",
        is_json=True,
        meaning=Meaning.BAD_CREDENTIALS,
        seen="3: a token signed with another key",
    ),
    Row(
        statuses=_is(403),
        is_json=True,
        meaning=Meaning.FORBIDDEN,
        seen="3: the role may not do this; 2: that or a bad password, told apart by listing DAGs",
    ),
    Row(statuses=_is(403), meaning=Meaning.BAD_CREDENTIALS, seen="1.10: bad password; a gateway's page"),
    Row(
        statuses=_is(404),
        words="dag.* not found",
        is_json=True,
        meaning=Meaning.DAG_MISSING,
        seen="all",
    ),
    Row(statuses=_is(404), meaning=Meaning.FOREIGN, seen="another generation's Airflow, a wrong base URL"),
    Row(statuses=_is(408), meaning=Meaning.UNCLEAR, seen="a proxy"),
    Row(statuses=_is(409), meaning=Meaning.CONFLICT, seen="2, 3: a repeated run id or a taken logical date"),
    Row(statuses=_is(413), meaning=Meaning.REFUSED, seen="a proxy: the conf is larger than it lets through"),
    Row(statuses=_is(422), is_json=True, meaning=Meaning.REFUSED, seen="3: a field of the wrong type"),
    Row(statuses=_is(429), meaning=Meaning.BUSY, seen="a gateway"),
    Row(statuses=range(400, 500), meaning=Meaning.FOREIGN, seen="anything else"),
    Row(
        statuses=range(500, 600),
        meaning=Meaning.UNCLEAR,
        seen="all: a locked database, two posts at once, a gateway's 502",
    ),
)


def meaning_of(answer: Answer, run_id: str, *, is_ours: bool) -> Meaning:
    """Give the meaning of the first row that matches; `is_ours`: the JSON holds our run id."""
    matching = (row.meaning for row in TABLE if row.matches(answer, run_id, is_ours=is_ours))
    return next(matching, Meaning.FOREIGN)
