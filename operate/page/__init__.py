"""The page of `blob-to-dag ui`: what the commands do, in a browser on the operator's own machine."""
