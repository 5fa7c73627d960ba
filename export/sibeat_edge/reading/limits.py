"""What no recording of a wearer reaches: beyond it, a time in a file is a fault, and not to be filled up."""

LONGEST = 100 * 86_400  # s from the beginning
