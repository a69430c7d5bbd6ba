"""What lesson 05, Monitor and evaluate, needs beside its notebook."""
