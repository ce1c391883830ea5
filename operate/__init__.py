"""For people, on their own machine: the command line `blob-to-dag`. Never deployed."""
