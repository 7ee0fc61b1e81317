"""Commands of the command line, a module each; what is heavy is imported inside them, so that --help stays light."""
