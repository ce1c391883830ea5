"""Quick retries inside one invocation: growing, jittered, within a budget."""

import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential
from tenacity.wait import wait_base

from shared.model.errors import RetryableError, StorageUnavailable


def is_quick(error: BaseException) -> bool:
    """Tell whether the error says that seconds may help."""
    return isinstance(error, RetryableError) and error.quick


def is_storage_failure(error: BaseException) -> bool:
    """Tell whether storage failed: it throttles with 503, and seconds help."""
    return isinstance(error, StorageUnavailable)


class Retrier:
    """Calls again while the error says that seconds may help and the budget lasts.

    Args:
        budget_seconds: Time after which no further attempt begins, waits included.
        is_worth_it: Tells whether another attempt within seconds may help; by default what the error says.
        clock: Monotonic seconds.
        sleep: Waits for the given seconds.
    """

    def __init__(
        self,
        *,
        budget_seconds: float,
        is_worth_it: Callable[[BaseException], bool] = is_quick,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._budget_seconds = budget_seconds
        self._is_worth_it = is_worth_it
        self._clock = clock
        self._sleep = sleep

    def __call__[T](self, attempt: Callable[[], T]) -> T:
        """Return the first result; raise the last error when the budget is spent or retrying is useless."""
        end = self._clock() + self._budget_seconds

        def is_spent(state: RetryCallState) -> bool:
            # A wait that ends after the budget would only hold the invocation for nothing.
            return self._clock() + state.upcoming_sleep > end

        return Retrying(
            retry=retry_if_exception(self._is_worth_it),
            wait=_WaitAsAsked(wait_random_exponential(multiplier=0.5, max=8)),
            stop=is_spent,
            sleep=self._sleep,
            reraise=True,
        )(attempt)


class _WaitAsAsked(wait_base):
    """Waits as long as the server asked (`Retry-After`), or as `otherwise` says if that is longer."""

    def __init__(self, otherwise: wait_base) -> None:
        self._otherwise = otherwise

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = error.retry_after_seconds if isinstance(error, RetryableError) else None
        return max(asked or 0.0, self._otherwise(retry_state))
