"""All measurements of a run, in their order."""

import sys

from .contenders import takes_part
from .measure import measure
from .syscalls import calls_per_request


def tell(what):
    """What is going on, for who looks on."""
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)


class Rounds:
    """What each measurement gave, and what went wrong."""

    def __init__(self, bench, scenarios, names):
        self.bench, self.scenarios, self.names = bench, scenarios, names
        # By scenario and contender, a list of rounds; and, when they were counted, calls by name.
        self.measured = {s.name: {} for s in scenarios}
        self.calls = {}
        # By scenario and contender, in words: one that fails does not take the others' hour with it.
        self.failures = {}

    def measure(self, rounds, duration, warm_up):
        for turn in range(rounds):
            for scenario in self.scenarios:
                # Memory is the same in each round, and many connections take long.
                if scenario.kind == "idle" and turn:
                    continue
                for name in self._present(scenario, turn):
                    tell(f"round {turn + 1}/{rounds}: {scenario.name}, {name}")
                    result = self._tried(scenario, name, lambda: measure(self.bench, name, scenario, duration, warm_up))
                    if result:
                        self.measured[scenario.name].setdefault(name, []).append(result)
        tell("")

    def count_calls(self):
        for scenario in self.scenarios:
            for name in self._present(scenario) if scenario.is_traced else ():
                tell(f"system calls: {scenario.name}, {name}")
                calls = self._tried(scenario, name, lambda: calls_per_request(self.bench, name, scenario))
                if calls:
                    self.calls[scenario.name, name] = calls
        tell("")

    def _present(self, scenario, turn=0):
        """Who takes part and has not failed; nobody is always first."""
        present = [n for n in self.names if takes_part(n, scenario) and (scenario.name, n) not in self.failures]
        first = turn % len(present) if present else 0
        return present[first:] + present[:first]

    def _tried(self, scenario, name, measurement):
        try:
            return measurement()
        except RuntimeError as error:
            self.failures[scenario.name, name] = str(error)
            tell("")
            print(f"{scenario.name}, {name}: {error}", file=sys.stderr)
            return None
