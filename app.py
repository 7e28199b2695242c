"""Opens the studio: `python app.py`, then the address that it prints. `python app.py --help` names the few options."""

from gan.studio import main

if __name__ == "__main__":
    main()
