"""`python -m zarrite.cli`, for when the script is not on the path."""

from zarrite.cli import main

main()
