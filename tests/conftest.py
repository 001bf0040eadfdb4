"""What every test may use: pytest's own means of testing plugins."""

pytest_plugins = ["pytester"]
