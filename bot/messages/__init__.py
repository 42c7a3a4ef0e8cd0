"""drainbot's messages: pure functions from the state of an operation to what people read."""
