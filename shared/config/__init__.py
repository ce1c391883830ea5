"""App settings: read once, checked together. Standard library only."""
