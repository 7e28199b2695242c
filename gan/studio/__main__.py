"""`python -m gan.studio`: what `python app.py` does, from an installed package."""

from gan.studio import main

if __name__ == "__main__":
    main(prog="python -m gan.studio")
