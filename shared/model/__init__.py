"""The values that the app passes around, and its errors. Standard library only."""
