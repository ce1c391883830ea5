"""`python -m operate` is `blob-to-dag`."""

from operate.cli import main

main()
