"""Every precondition of the app, in order: each is well, or says in a sentence what repairs it."""
