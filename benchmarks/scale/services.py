"""What stands for Azure and Airflow in the simulation: memory, with their published limits and a latency."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from benchmarks.scale.virtual_time import VirtualTime
from shared.airflow.client import Delivery
from shared.model.blob_event import BlobEvent
from shared.model.errors import AirflowUnclear, StorageUnavailable
from shared.model.lane import STATE
from shared.model.run_request import RunRequest
from shared.storage.drain_lease import Handover
from shared.storage.tables import Entity
from tests.support.harness import FakeAirflow, FakeLease, FakeReader
from tests.support.table import MemoryTable


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that are assumed, not measured.

    Attributes:
        table_seconds: Of one operation of a table; a transaction takes twice as long.
        blob_seconds: Of one request to a blob.
        partition_entities: A second, of one partition; Azure Tables' published target.
        account_entities: A second, of the account; its published target.
        airflow_seconds: Of a post to Airflow when it has nothing else to do.
        airflow_runs: That it makes a second, one after another.
        airflow_waiting: Posts beyond which it answers 503.
    """

    table_seconds: float = 0.005
    blob_seconds: float = 0.02
    partition_entities: int = 2_000
    account_entities: int = 20_000
    airflow_seconds: float = 0.05
    airflow_runs: float = 50.0
    airflow_waiting: int = 100


class LimitedTable(MemoryTable):
    """A table whose operations take time, and fail where too many come in one second.

    The SDK's own retries are part of it: at once, and after a second.

    Attributes:
        is_free: Whether nothing is counted, while the simulation fills it.
        throttled: Requests that were answered with 503.
        failed: Those whose retries were used up.
        requests: All of them.
        peak_partition, peak_account: The most entities in a second.
    """

    def __init__(self, clock: VirtualTime, model: Model) -> None:
        super().__init__()
        self._clock, self._model = clock, model
        self.is_free = False
        self.throttled = self.failed = self.requests = 0
        self.peak_partition = self.peak_account = 0
        self._second = -1
        self._spent: Counter[str] = Counter()
        self._of_account = 0
        self._keys: dict[str, list[str]] = defaultdict(list)
        self._begins: Counter[str] = Counter()
        self._names: list[str] = []

    def transact(self, operations: Sequence[tuple[str, Entity, str]]) -> int | None:
        """Pay for each entity, then carry out all."""
        self._pay(str(operations[0][1]["PartitionKey"]), len(operations), self._model.table_seconds)
        return super().transact(operations)

    def query(
        self, where: str, parameters: Mapping[str, Any], *, most: int, columns: list[str] | None = None
    ) -> list[Entity]:
        """Read, then pay for each row that was found."""
        found = super().query(where, parameters, most=most, columns=columns)
        self._pay(str(found[0]["PartitionKey"]) if found else "", max(1, len(found)), 0.0)
        return found

    def _run[T](self, name: str, entity: Entity | None, operate: Callable[[], T]) -> T:
        if name not in {"query", "transact"}:
            self._pay(str(entity["PartitionKey"]) if entity else "", 1, 0.0)
        result = super()._run(name, entity, operate)
        self.operations.clear()
        return result

    def _pay(self, partition: str, entities: int, more_seconds: float) -> None:
        if self.is_free:
            return
        for wait in (0.0, 1.0, None):
            self.requests += 1
            self._clock.sleep(self._model.table_seconds + more_seconds)
            if self._is_within(partition, entities):
                return
            self.throttled += 1
            if wait is not None:
                self._clock.sleep(wait)
        self.failed += 1
        msg = "The table airflowoutbox failed (503 ServerBusy)."
        raise StorageUnavailable(msg)

    def _is_within(self, partition: str, entities: int) -> bool:
        if int(self._clock.now) != self._second:
            self._second, self._of_account = int(self._clock.now), 0
            self._spent.clear()
        of_partition = self._spent[partition] + entities
        of_account = self._of_account + entities
        # A page that is larger than a limit goes by itself.
        is_full = of_partition > self._model.partition_entities and self._spent[partition]
        if is_full or of_account > self._model.account_entities:
            return False
        self._spent[partition] = of_partition
        self._of_account = of_account
        self.peak_partition = max(self.peak_partition, of_partition)
        self.peak_account = max(self.peak_account, self._of_account)
        return True

    # The tables of the tests sort all rows for each query; here there are a million.

    def _put(self, row: dict[str, Any]) -> None:
        super()._put(row)
        partition, key = str(row["PartitionKey"]), str(row["RowKey"])
        if partition not in self._keys:
            insort(self._names, partition)
        keys = self._keys[partition]
        if key == STATE:
            return
        place = bisect_left(keys, key)
        if place == len(keys) or keys[place] != key:
            keys.insert(place, key)
        self._begins[partition] = min(self._begins[partition], place)

    def _query(self, parameters: Mapping[str, Any], most: int) -> list[Entity]:
        found: list[Entity] = []
        if "last" in parameters:
            # The first row of the next partition, as `Outbox.lanes` asks.
            names = self._names[bisect_right(self._names, parameters["last"]) :]
            parameters, most = {"after": "", "end": "~"}, 1
        else:
            names = [parameters["lane"]] if "lane" in parameters else self._names
        for name in names:
            for key in self._live(name, parameters["after"]):
                if len(found) == most or key >= parameters["end"]:
                    break
                if (entity := self._read((name, key))) is not None:
                    found.append(entity)
            if len(found) == most:
                break
        return found

    def _live(self, name: str, after: str) -> Iterator[str]:
        """Yield the keys of a partition behind one; those of deleted rows are passed over."""
        if after < STATE and (name, STATE) in self.rows:
            yield STATE
        keys = self._keys.get(name, [])
        while self._begins[name] < len(keys) and (name, keys[self._begins[name]]) not in self.rows:
            self._begins[name] += 1
        if self._begins[name] > max(1_000, len(keys) // 2):
            del keys[: self._begins[name]]
            self._begins[name] = 0
        for place in range(max(self._begins[name], bisect_right(keys, after)), len(keys)):
            if (name, keys[place]) in self.rows:
                yield keys[place]


class LimitedAirflow(FakeAirflow):
    """An Airflow that makes so many runs a second, and refuses posts when too many wait.

    Attributes:
        created: When each run was created, by its id.
        seconds: From each blob's event to its run.
        doubled: Posts of a run that was there.
        refused: Posts that were answered with 503, or not at all.
        is_down: Whether nothing answers.
    """

    def __init__(self, clock: VirtualTime, model: Model) -> None:
        super().__init__()
        self._clock, self._model = clock, model
        self._free_at = 0.0
        self.created: dict[str, float] = {}
        self.seconds: list[float] = []
        self.doubled = self.refused = 0
        self.is_down = False
        self.arrived: dict[str, float] = {}

    def trigger(self, run: RunRequest) -> Delivery:
        """Create the run when those before it are done."""
        clock, model = self._clock, self._model
        waiting = max(0.0, self._free_at - clock.now) * model.airflow_runs
        if self.is_down or waiting > model.airflow_waiting:
            self.refused += 1
            clock.sleep(model.airflow_seconds)
            msg = "Airflow answered 503."
            raise AirflowUnclear(msg)
        self._free_at = max(self._free_at, clock.now) + 1 / model.airflow_runs
        clock.sleep(self._free_at - clock.now - 1 / model.airflow_runs + model.airflow_seconds)
        if run.run_id in self.created:
            self.doubled += 1
            return Delivery.ALREADY_THERE
        self.created[run.run_id] = clock.now
        self.seconds.append(clock.now - self.arrived.pop(str(run.conf["filename"]), clock.now))
        return Delivery.CREATED

    def version(self) -> str:
        """Answer, unless it is down."""
        if self.is_down:
            msg = "Airflow answered 503."
            raise AirflowUnclear(msg)
        return "3.3.2"


class SlowReader(FakeReader):
    """Blobs that are looked at once."""

    def __init__(self, clock: VirtualTime, model: Model) -> None:
        super().__init__()
        self._clock, self._model = clock, model

    def read(self, container: str, name: str) -> BlobEvent | None:  # noqa: ARG002  (as the real one)
        """Return the blob, once."""
        self._clock.sleep(self._model.blob_seconds)
        return self.blobs.pop(name, None)


class SlowLease(FakeLease):
    """A lease that costs its requests: two before the drain, two after it."""

    def __init__(self, clock: VirtualTime, model: Model) -> None:
        super().__init__()
        self._clock, self._model = clock, model

    @contextmanager
    def hold(self) -> Iterator[Handover | None]:
        """Yield what was handed over, None while it is taken."""
        self._clock.sleep(self._model.blob_seconds)
        with super().hold() as handover:
            self._clock.sleep(self._model.blob_seconds)
            yield handover
            self._clock.sleep(self._model.blob_seconds)
