"""`python -m fettle` is the command `fettle`."""

from fettle.cli.app import main

if __name__ == "__main__":
    main()
