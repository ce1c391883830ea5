"""`VaultCertificate`: the app's own certificate for mTLS, from the fields of the credentials."""

import os
import ssl
import tempfile

from shared.airflow.credentials import CredentialSource
from shared.model.errors import Misconfigured

_FIELDS = ("client_certificate", "client_key")


class VaultCertificate:
    """Reads both PEMs from the secret; they are in a private file only while OpenSSL loads them.

    Args:
        source: The credentials.
        ca_bundle: File of the authorities to trust; None for the usual ones.
    """

    def __init__(self, source: CredentialSource, *, ca_bundle: str | None) -> None:
        self._source = source
        self._ca_bundle = ca_bundle

    def pems(self) -> str:
        """Return certificate and key; another text means that they were renewed.

        Raises:
            Misconfigured: The secret lacks one of them.
            VaultUnavailable: It cannot be read.
        """
        certificate, key = self._source.get().require(*_FIELDS)
        return f"{certificate}\n{key}\n"

    def context(self, pems: str) -> ssl.SSLContext:
        """Return what TLS connections are made with; raises Misconfigured for texts that are no PEMs."""
        context = ssl.create_default_context(cafile=self._ca_bundle)
        file, path = tempfile.mkstemp(suffix=".pem")  # readable for this user only
        try:
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(pems)
            # Without a password OpenSSL would ask for one at the terminal.
            context.load_cert_chain(path, password="")
        except (OSError, ValueError):
            msg = (
                f"The secret's {' and '.join(_FIELDS)} are not the certificate and its key: two PEMs that "
                "belong together, the key without a password."
            )
            raise Misconfigured(msg) from None
        finally:
            os.unlink(path)  # noqa: PTH108  (there is no Path of it)
        return context
