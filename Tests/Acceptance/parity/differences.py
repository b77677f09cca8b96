"""Where Martlet means to differ from nginx: every rule with its reason, each as narrow as it can be.

A rule looks at one difference of one row and says whether it explains it. What no rule explains
fails the tests, and so does a rule that explains nothing.
"""

RULES = []


def deliberate(rule):
    """Adds a rule: its name says what differs, its docstring why."""
    RULES.append(rule)
    return rule


def explained_by(row, difference, nginx, martlet):
    """The rules that explain a difference."""
    return [rule for rule in RULES if rule(row, difference, nginx, martlet)]


# What every answer shows.


@deliberate
def the_server_is_not_told(row, difference, nginx, martlet):
    """A version in `Server` helps attackers only."""
    return difference.aspect == "header server"


@deliberate
def keep_alive_is_not_said(row, difference, nginx, martlet):
    """HTTP/1.1 keeps alive unless told otherwise (RFC 9112 9.3): saying so costs bytes."""
    return row.version == "1.1" and difference.aspect == "header connection" and difference.nginx == ("keep-alive",) and difference.martlet == ()
