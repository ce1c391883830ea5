"""`PushedRoutes`: the blob that ROUTES_BLOB names, as an operator changes it."""

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient

from operate.desk import Desk
from operate.errors import DeskError
from shared.config.load import read_table
from shared.model.errors import Misconfigured
from shared.routes.table import RouteTable


class PushedRoutes:
    """Reads the blob and writes it, if nobody else has meanwhile.

    Raises:
        DeskError: The app does not read its routes from a blob.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.path = desk.settings.routes_blob
        if not self.path:
            msg = (
                f"{desk.origin.title} does not read its routes from a blob: set ROUTES_BLOB, "
                "as docs/deploy.md says, or deploy the file."
            )
            raise DeskError(msg)

    def read(self) -> tuple[str, str] | None:
        """Return the text and its ETag; None if there is no such blob yet."""
        try:
            stream = self._blob.download_blob()
            content = stream.readall()
        except ResourceNotFoundError:
            return None
        return content.decode("utf-8-sig", errors="replace"), str(stream.properties.etag)

    def table(self, version: tuple[str, str]) -> RouteTable | None:
        """Return the routes of a version that was read; None if they cannot be used."""
        try:
            return read_table(self._desk.settings, version[0], origin="ROUTES_BLOB")
        except Misconfigured:
            return None

    def write(self, text: str, before: tuple[str, str] | None) -> None:
        """Write the routes.

        Raises:
            DeskError: Somebody else has written since `before` was read.
        """
        try:
            if before is None:
                self._blob.upload_blob(text.encode(), overwrite=False)
            else:
                self._blob.upload_blob(
                    text.encode(),
                    overwrite=True,
                    etag=before[1],
                    match_condition=MatchConditions.IfNotModified,
                )
        except (ResourceExistsError, ResourceModifiedError):
            msg = (
                f"Somebody else has written {self.path} meanwhile: nothing was pushed. Run the command again."
            )
            raise DeskError(msg) from None

    @property
    def _blob(self) -> BlobClient:
        container, _, name = self.path.partition("/")
        return self._desk.host.blobs.get_blob_client(container, name)
