"""The commands: a module each, whose ``add_parser`` adds its line of arguments, and which runs what they ask.

Nothing that takes time is imported before a command runs, so that ``--help`` answers at once.
"""
