"""Objects that look like nothing known."""

# As users write: no types, short names.
# mypy: ignore-errors

NUMBER = 5
SETTINGS = {"eps": 1e-5}


def unknown(alpha, omega):
    return alpha + omega


def unsound(x):
    raise ArithmeticError(f"always, as for {type(x).__name__}")


class Empty:
    def __init__(self, num_features):
        self.num_features = num_features


class Demanding:
    def __init__(self, num_features, favourite):
        self.favourite = num_features, favourite

    def forward(self, x):
        return x
