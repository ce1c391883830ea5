"""A real PostgreSQL for the tests that many must write to at once."""

from local.postgres.server import POSTGRES_FOLDER, Postgres, start_postgres

__all__ = ["POSTGRES_FOLDER", "Postgres", "start_postgres"]
