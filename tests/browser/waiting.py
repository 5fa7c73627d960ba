"""What tests of the page wait for."""

READY = "globalThis.sibeat?.player.hasJudged"  # a beat has been judged
LONG = 120  # s, for what has no limit of its own: another program may have the computer
