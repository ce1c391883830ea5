"""A DAG file that Airflow cannot import, on purpose."""

import a_module_that_is_not_there  # noqa: F401  (contract_broken)
