"""`python -m binbench`."""

import sys


def main() -> None:
    """The command line; an interrupt is one line from here on, also while it is still loaded."""
    try:
        from binbench.cli import main

        main()
    except KeyboardInterrupt:
        sys.stderr.write("binbench: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
