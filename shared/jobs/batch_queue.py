"""`BatchQueue`: the lane of a batched route in one drain: first its files, then the rows of its batches."""

from datetime import datetime

from shared.jobs.lane_queue import LaneQueue
from shared.model.lane import ROWS_BEGIN, SEAL
from shared.storage.outbox import Outbox
from shared.storage.rows import Row


class BatchQueue(LaneQueue):
    """Hands out the seal once in each pass, alone, where it is time to look at the files; then the due rows.

    Attributes:
        looks_always: Whether the time alone does not say when the files are complete.
    """

    begins_after = ROWS_BEGIN

    looks_always = False
    _has_looked = False

    def next_row(self, outbox: Outbox, now: datetime) -> Row | None:
        """Return the seal, then the next row that is due."""
        is_early = self.state is not None and self.state.is_early(now) and not self.looks_always
        self.goes_alone = not self._has_looked and not is_early
        self._has_looked = True
        if self.goes_alone:
            keys = {"PartitionKey": self.partition, "RowKey": SEAL}
            return Row(partition=self.partition, key=SEAL, etag="", pending=None, fault="", entity=keys)
        return super().next_row(outbox, now)

    @property
    def is_empty(self) -> bool:
        """Whether nothing needs the lane's state: it may say when the files are looked at."""
        return super().is_empty and not (self.state and self.state.next_look)

    def _begin(self) -> None:
        super()._begin()
        self._has_looked = False
