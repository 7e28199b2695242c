"""Errors that a user can mend."""


class GANError(Exception):
    """Something that cannot work, in one sentence that names it and the remedy.

    The command line prints it and exits with code 2; the studio shows it on the page. A programming mistake stays an
    ordinary exception with its traceback.
    """
