"""`is_container`: which names a container of a storage account can have."""

import re

_NAME = re.compile(r"\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62}")
"""learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""

CONTAINER_RULE = "3 to 63 lower-case letters, digits and single hyphens, with a letter or digit at each end"


def is_container(name: str) -> bool:
    """Tell whether there can be a container of this name."""
    return len(name) <= 63 and _NAME.fullmatch(name) is not None  # noqa: PLR2004
