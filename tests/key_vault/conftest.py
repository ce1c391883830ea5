"""Fixtures: Entra ID and a Key Vault that check tokens, and the app's identity as Azure sets it up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.airflow.certificates import self_signed
from tests.key_vault.azure import IDENTITY_HEADER, Azure, serve_azure


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Yield both, with a managed identity as App Service gives it; the SDKs trust their certificate."""
    certificate = self_signed(tmp_path, "127.0.0.1")
    with serve_azure(certificate) as azure:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.vault_uri}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
        yield azure
