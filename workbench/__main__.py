"""`python -m workbench`: the command line, where its script may not be on the path."""

from workbench.cli.main import main

if __name__ == "__main__":
    main()
