"""Microsoft's own parser and analyser of KQL, an npm package, for the tests of alerts and workbook."""

from pathlib import Path

KUSTO_FOLDER = Path(__file__).parents[2] / ".stack" / "kusto"
PACKAGE = KUSTO_FOLDER / "node_modules" / "@kusto" / "language-service-next"
