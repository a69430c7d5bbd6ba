"""What lesson 04, Hyperparameters, needs beside its notebook."""
