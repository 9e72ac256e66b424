"""`python -m binbench`."""

from binbench.cli import main

if __name__ == "__main__":
    main()
