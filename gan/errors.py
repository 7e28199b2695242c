"""Errors that are a user's to mend."""


class GANError(Exception):
    """What a user did or met that cannot work: one sentence that names the thing and the remedy.

    The command line prints it and exits with code 2; the studio shows it on the page. A programming mistake stays an
    ordinary exception with its traceback.
    """
