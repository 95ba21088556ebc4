"""`python -m fettle` is the command `fettle`."""

import sys

if __name__ == "__main__":
    try:
        from fettle.cli.app import main

        main()
    except KeyboardInterrupt:  # Ctrl-C before the command line is loaded, and can say it in words
        sys.exit(130)
