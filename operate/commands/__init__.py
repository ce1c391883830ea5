"""The commands, one file for each subject: they read the command line, call `operate`, and show what came."""
