"""The ground floor: the three reference implementations, the oracle and the error bounds, arrays in and arrays out."""
