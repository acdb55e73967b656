"""The fault that is nobody's but the package's own."""


class SelfCheckError(Exception):
    """A result failed the check that it must pass before anybody sees it: a fault of udrl_explain.

    Raised where attributions do not add up to the policy's output, or where the policy does not confirm what a map or
    a search says about it. It is no ``ValueError``: nothing that the caller passed is to blame.
    """
